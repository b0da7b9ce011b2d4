"""Boxes around the largest part of a mask: where training and validation look for an action."""

import cv2
import numpy as np
from numpy.typing import NDArray

SHIFT, SHAKE = 0.08, 0.03


def tight_boxes(masks: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Box the largest part of masks (T, H, W): left, top, right, bottom (T, 4), 0 to 1, or nan."""
    _, height, width = masks.shape
    boxes = np.full((len(masks), 4), np.nan, np.float32)
    for index, mask in enumerate(masks):
        _, _, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
        parts = np.asarray(stats)[1:]  # the first is the background
        if len(parts):
            left, top, wide, high, _ = parts[parts[:, cv2.CC_STAT_AREA].argmax()]
            boxes[index] = (
                left / width,
                top / height,
                (left + wide) / width,
                (top + high) / height,
            )
    return boxes


def jittered(boxes: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
    """Move the edges of boxes (T, 4) as predicted ones are off, mostly alike over time."""
    size = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    off = generator.normal(0, SHIFT, 4) + generator.normal(0, SHAKE, boxes.shape)
    moved = boxes + size * np.clip(off, -0.3, 0.3)
    return np.asarray(np.clip(moved, 0, 1), np.float32)
