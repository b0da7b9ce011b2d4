"""Region similarity J: how much of two masks is common to both.

Source: Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object
Segmentation", CVPR 2016, section 4.1.
"""

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def intersection_and_union(predicted: Mask, truth: Mask) -> tuple[int, int]:
    """Count the pixels of both masks and of either mask, (H, W) bool."""
    require_same_kind(predicted, truth)
    intersection = int(np.count_nonzero(predicted & truth))
    union = int(np.count_nonzero(predicted)) + int(np.count_nonzero(truth)) - intersection
    return intersection, union


def region_similarity(predicted: Mask, truth: Mask) -> float:
    """Return the intersection of two masks (H, W) bool over their union; 1 where both are empty."""
    intersection, union = intersection_and_union(predicted, truth)
    return intersection / union if union else 1.0


def require_same_kind(predicted: Mask, truth: Mask) -> None:
    """Raise ValueError for masks that can't be compared, rather than broadcast or cast them."""
    if predicted.shape != truth.shape or predicted.ndim != 2:
        raise ValueError(
            f"Prediction and truth must be of one height and width, got {predicted.shape} and "
            f"{truth.shape}."
        )
    if predicted.dtype != np.bool_ or truth.dtype != np.bool_:
        raise ValueError(f"Masks must be bool, got {predicted.dtype} and {truth.dtype}.")
