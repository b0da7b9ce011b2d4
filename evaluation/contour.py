"""Contour accuracy F: how well the outlines of two masks agree.

Source: Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object
Segmentation", CVPR 2016, section 4.1, with its fast matching by dilation.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluation.region import Mask, require_same_kind

# How far two outlines may lie apart and still agree, as a part of the picture's diagonal.
TOLERANCE = 0.008


def contour_accuracy(predicted: Mask, truth: Mask) -> float:
    """Return the harmonic mean of the outlines' precision and recall, of masks (H, W) bool.

    It is 1 where neither has an outline, 0 where only one has. ValueError if sizes differ.
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
    """Mark the pixels (H, W) that differ from their right, lower or lower right neighbour."""
    marked = np.zeros_like(mask)
    marked[:, :-1] |= mask[:, :-1] ^ mask[:, 1:]
    marked[:-1] |= mask[:-1] ^ mask[1:]
    marked[:-1, :-1] |= mask[:-1, :-1] ^ mask[1:, 1:]
    return marked


def _disk(radius: int) -> NDArray[np.uint8]:
    rows, columns = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(rows**2 + columns**2 <= radius**2, dtype=np.uint8)
