"""Contour accuracy F: how well the outlines of two masks agree."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluation.region import Mask, require_same_kind

# How far two outlines may lie apart and still agree, as a part of the picture's diagonal.
TOLERANCE = 0.008


def contour_accuracy(predicted: Mask, truth: Mask) -> float:
    """Measure the harmonic mean of the outlines' precision and recall.

    Args:
        predicted: (H, W) bool.
        truth: (H, W) bool.

    Returns:
        0 to 1; 1 where neither mask has an outline, 0 where one of them alone has none.

    Raises:
        ValueError: the masks differ in size, or aren't bool.

    Source: Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object
    Segmentation", CVPR 2016, section 4.1, with its fast matching by dilation.
    """
    require_same_kind(predicted, truth)
    predicted_outline, true_outline = outline(predicted), outline(truth)
    predicted_count = int(np.count_nonzero(predicted_outline))
    true_count = int(np.count_nonzero(true_outline))
    if predicted_count == 0 or true_count == 0:
        return float(predicted_count == true_count)
    disk = _disk(math.ceil(TOLERANCE * math.hypot(*truth.shape)))
    near_truth = cv2.dilate(true_outline.view(np.uint8), disk).view(np.bool_)
    near_prediction = cv2.dilate(predicted_outline.view(np.uint8), disk).view(np.bool_)
    precision = np.count_nonzero(predicted_outline & near_truth) / predicted_count
    recall = np.count_nonzero(true_outline & near_prediction) / true_count
    if precision + recall == 0:
        return 0.0
    return 2 * precision * recall / (precision + recall)


def outline(mask: Mask) -> Mask:
    """Mark the pixels that differ from their right, lower or lower right neighbour.

    Args:
        mask: (H, W) bool.

    Returns:
        (H, W) bool. The last row is compared to the right only, the last column downwards only.
    """
    marked = np.zeros_like(mask)
    marked[:, :-1] |= mask[:, :-1] ^ mask[:, 1:]
    marked[:-1] |= mask[:-1] ^ mask[1:]
    marked[:-1, :-1] |= mask[:-1, :-1] ^ mask[1:, 1:]
    return marked


def _disk(radius: int) -> NDArray[np.uint8]:
    rows, columns = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(rows**2 + columns**2 <= radius**2, dtype=np.uint8)
