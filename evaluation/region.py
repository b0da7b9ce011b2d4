"""Region similarity J: how much of two masks is common to both."""

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def intersection_and_union(predicted: Mask, truth: Mask) -> tuple[int, int]:
    """Count the pixels of both masks and of either mask.

    Args:
        predicted: (H, W) bool.
        truth: (H, W) bool.

    Raises:
        ValueError: the masks differ in size, or aren't bool.
    """
    require_same_kind(predicted, truth)
    intersection = int(np.count_nonzero(predicted & truth))
    union = int(np.count_nonzero(predicted)) + int(np.count_nonzero(truth)) - intersection
    return intersection, union


def region_similarity(predicted: Mask, truth: Mask) -> float:
    """Measure the intersection of two masks over their union.

    Args:
        predicted: (H, W) bool.
        truth: (H, W) bool.

    Returns:
        0 to 1; 1 where both masks are empty.

    Raises:
        ValueError: the masks differ in size, or aren't bool.

    Source: Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object
    Segmentation", CVPR 2016, section 4.1.
    """
    intersection, union = intersection_and_union(predicted, truth)
    return intersection / union if union else 1.0


def require_same_kind(predicted: Mask, truth: Mask) -> None:
    """Refuse masks that can't be compared, rather than broadcast or cast them.

    Raises:
        ValueError: the masks differ in size, aren't (H, W), or aren't bool.
    """
    if predicted.shape != truth.shape or predicted.ndim != 2:
        raise ValueError(
            f"Prediction and truth must be of one height and width, got {predicted.shape} and "
            f"{truth.shape}."
        )
    if predicted.dtype != np.bool_ or truth.dtype != np.bool_:
        raise ValueError(f"Masks must be bool, got {predicted.dtype} and {truth.dtype}.")
