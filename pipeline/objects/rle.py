"""Masks as COCO run lengths, and what can be measured on the runs alone."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pycocotools.mask as coco
from numpy.typing import NDArray

from pipeline.values import Rle

_ALL_COLUMNS = slice(None)


def encode(mask: NDArray[np.bool_] | NDArray[np.uint8], columns: slice = _ALL_COLUMNS) -> Rle:
    """Compress a mask (H, W), of which only some columns are looked at; not zero is foreground."""
    height, width = mask.shape
    start, stop, _ = columns.indices(width)
    stop = max(stop, start + 1)  # OpenCV transposes nothing to None
    # Column by column, as the runs go; OpenCV's is 4 times as fast as NumPy's.
    pixels = cv2.transpose((mask[:, start:stop] != 0).view(np.uint8)).reshape(-1)
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    if pixels[0]:
        changes = np.insert(changes, 0, 0)  # runs begin with background, if none of it
    ends = (start * height + changes).tolist()
    if stop < width and len(ends) % 2:  # the last run of these columns is foreground
        ends.append(stop * height)
    runs = np.diff([0, *ends, width * height]).tolist()
    packed = coco.frPyObjects({"size": [height, width], "counts": runs}, height, width)
    return Rle(height, width, packed["counts"].decode("ascii"))


def decode(rle: Rle) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = coco.decode(_packed(rle)).astype(bool)
    return mask


def area(rle: Rle) -> int:
    return int(coco.area(_packed(rle)))


def box(rle: Rle) -> tuple[int, int, int, int]:
    """Return the tight box as x, y, width, height; all zero for an empty mask."""
    x, y, width, height = (int(side) for side in coco.toBbox(_packed(rle)))
    return x, y, width, height


def iou(rows: Sequence[Rle], columns: Sequence[Rle]) -> NDArray[np.float64]:
    """Divide intersection by union: (len(rows), len(columns)), 0 where both masks are empty."""
    if not rows or not columns:
        return np.zeros((len(rows), len(columns)))
    packed_columns = [_packed(rle) for rle in columns]
    ratios: NDArray[np.float64] = coco.iou(
        [_packed(rle) for rle in rows], packed_columns, [0] * len(packed_columns)
    )
    return ratios


def union(masks: Sequence[Rle]) -> Rle:
    """Join masks of one size, at least one."""
    packed = coco.merge([_packed(rle) for rle in masks])
    return Rle(masks[0].height, masks[0].width, packed["counts"].decode("ascii"))


def inside(one: Rle, other: Rle) -> float:
    """Return the share of a mask that another one of its size covers; 0 for an empty one."""
    ratios: NDArray[np.float64] = coco.iou([_packed(one)], [_packed(other)], [1])
    return float(ratios[0, 0])


def shifted(one: Rle, across: float, down: float) -> Rle:
    """Move a mask by pixels along x and y; what leaves the picture is lost."""
    move = np.array([[1, 0, round(across)], [0, 1, round(down)]], np.float32)
    moved = cv2.warpAffine(decode(one).view(np.uint8), move, (one.width, one.height))
    return encode(np.asarray(moved, np.uint8))


def distance(one: Rle, other: Rle) -> float:
    """Return the pixels between two masks of one size, infinite if one is empty."""
    away = distances(decode(one))
    return float(away[decode(other)].min(initial=np.inf))


def distances(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return how far each pixel is from a mask (H, W): float32, infinite where that is empty."""
    if not mask.any():
        return np.full(mask.shape, np.inf, np.float32)
    background = (~mask).view(np.uint8)
    return np.asarray(cv2.distanceTransform(background, cv2.DIST_L2, 3), np.float32)


def _packed(rle: Rle) -> dict[str, Any]:
    return {"size": [rle.height, rle.width], "counts": rle.counts.encode("ascii")}
