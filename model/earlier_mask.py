"""What a first pass may have found of an object, made from its true mask."""

import cv2
import numpy as np
from numpy.typing import NDArray


def earlier_mask(
    masks: NDArray[np.bool_], size: tuple[int, int], generator: np.random.Generator
) -> NDArray[np.uint8]:
    """Spoil true masks as a first pass at a lower resolution would.

    The mask is coarse, shifted, too wide or too narrow; a part of it may be lost, something beside
    it added, or all of it missing in some frames.

    Args:
        masks: (T, H, W) bool, true on the object.
        size: h and w wanted.
        generator: draws everything.

    Returns:
        (T, h, w) uint8, the probability of foreground, 255 at 1.
    """
    count, height, width = masks.shape
    coarse = float(np.exp(generator.uniform(np.log(2), np.log(10))))
    small = (max(8, round(width / coarse)), max(8, round(height / coarse)))
    shift = generator.normal(0, 0.02, 2) * [width, height]
    wider = int(generator.integers(-1, 3))  # pixels of the coarse mask
    lost = _half_plane(masks, generator) if generator.random() < 0.25 else None
    added = _ellipse(masks.shape[1:], generator) if generator.random() < 0.25 else None
    spoilt = np.zeros((count, *size), np.uint8)
    for t, mask in enumerate(masks):
        if generator.random() < 0.06:
            continue
        kept = mask.astype(np.float32)
        if lost is not None:
            kept[lost] *= generator.uniform(0, 0.4)
        if added is not None:
            kept = np.maximum(kept, added * generator.uniform(0.4, 1))
        jitter = shift + generator.normal(0, 0.004, 2) * [width, height]
        moved = cv2.warpAffine(
            kept, np.array([[1, 0, jitter[0]], [0, 1, jitter[1]]], np.float32), (width, height)
        )
        low = cv2.resize(moved, small, interpolation=cv2.INTER_AREA)
        if wider:
            change = cv2.dilate if wider > 0 else cv2.erode
            low = change(low, np.ones((1 + 2 * abs(wider),) * 2, np.uint8))
        back = cv2.resize(low, size[::-1], interpolation=cv2.INTER_LINEAR)
        spoilt[t] = np.clip(255 * back, 0, 255)
    return spoilt


def _half_plane(masks: NDArray[np.bool_], generator: np.random.Generator) -> NDArray[np.bool_]:
    """Choose a side of the object: (H, W) bool."""
    rows, columns = np.nonzero(masks[len(masks) // 2])
    if len(rows) == 0:
        return np.zeros(masks.shape[1:], bool)
    angle = generator.uniform(0, 2 * np.pi)
    y, x = np.indices(masks.shape[1:])
    along = np.cos(angle) * x + np.sin(angle) * y
    edge = np.quantile(np.cos(angle) * columns + np.sin(angle) * rows, generator.uniform(0.4, 0.8))
    return np.asarray(along > edge)


def _ellipse(size: tuple[int, ...], generator: np.random.Generator) -> NDArray[np.float32]:
    """Draw something that isn't the object: (H, W) float32, 0 or 1."""
    picture = np.zeros(size, np.float32)
    middle = tuple(int(generator.uniform(0, side)) for side in size[::-1])
    axes = tuple(int(side * generator.uniform(0.05, 0.2)) for side in size[::-1])
    cv2.ellipse(picture, middle, axes, float(generator.uniform(0, 180)), 0, 360, 1.0, -1)
    return picture
