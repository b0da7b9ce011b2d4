"""Where one shot ends and the next begins, told by a few frames around each place."""

from collections.abc import Mapping
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

REACH = 3
"""Frames before a place, and from it on, that tell whether a shot begins there."""

_SIZE = (64, 36)
# A pixel has changed by so many levels of a colour, and a picture if this share of it has; the rest
# shows the same as before, as where only what stands before a background changes.
_CHANGED = 8.0
_LEAST_CHANGED = 0.6
# How new a frame has to be after the one before, and by which factor newer than any frame near.
_LEAST_NOVELTY = 0.4
_STANDS_OUT = 1.4
# Brightness that is even over so many pixels of a thumbnail is light, not structure.
_COARSE = 6.0
# A frame is black up to this level, and a picture has gone after so many black frames.
_BLACK = 24.0
_BLACK_FRAMES = 3
# Pixels of a thumbnail within black borders, below which there is nothing to compare.
_LEAST_SIDE = 4

Thumbnail = NDArray[np.float32]


def thumbnail(picture: NDArray[np.uint8]) -> Thumbnail:
    """Scale a picture (H, W, 3) uint8 to what cuts are found in: (36, 64, 3) float32."""
    return cv2.resize(picture, _SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)


class CutFinder:
    """Finds the cuts of a video whose pictures come in order; holds as many as it was told to."""

    def __init__(self) -> None:
        self._thumbnails: dict[int, Thumbnail] = {}
        self._cuts: set[int] = set()

    def add(self, index: int, picture: NDArray[np.uint8]) -> None:
        """Take the next picture (H, W, 3) uint8 that is needed."""
        self._thumbnails[index] = thumbnail(picture)

    def look(self, index: int) -> None:
        """Note whether a shot begins with a frame, as `is_cut` tells, and forget earlier ones."""
        for gone in [frame for frame in self._thumbnails if frame < index - REACH]:
            del self._thumbnails[gone]
        if is_cut(index, self._thumbnails):
            self._cuts.add(index)

    def __contains__(self, index: object) -> bool:
        return index in self._cuts


def is_cut(index: int, thumbnails: Mapping[int, Thumbnail]) -> bool:
    """Tell whether a shot begins with the frame `index`, at least 1, by those up to REACH away.

    It does where hardly a pixel stays and the frame isn't found again in the one before, wherever
    the camera may have moved it and whatever the light, while that is so of no other frame near, as
    in shaking, whip pans and flashes; and where the picture has gone black.

    Source: PySceneDetect's adaptive detector, made to depend on the frames near a place only.
    """
    before, frame = thumbnails[index - 1], thumbnails[index]
    if _is_black(frame):
        following = range(index, index + _BLACK_FRAMES)
        black = all(at not in thumbnails or _is_black(thumbnails[at]) for at in following)
        return black and not _is_black(before)
    if _is_black(before) or _changed(before, frame) < _LEAST_CHANGED:
        return False
    novelty = _novelty(before, frame)
    if novelty < _LEAST_NOVELTY:
        return False
    near = [thumbnails.get(at) for at in range(index - REACH, index + REACH)]
    others = (
        _novelty(one, other)
        for one, other in pairwise(near)
        if one is not None and other is not None and other is not frame
    )
    return novelty >= _STANDS_OUT * max(others, default=0.0)


def _is_black(frame: Thumbnail) -> bool:
    return bool(frame.max() < _BLACK)


def _changed(one: Thumbnail, other: Thumbnail) -> float:
    lit = _lit(one, other)
    different = np.abs(one - other).max(axis=2) >= _CHANGED
    return float((lit & different).sum() / lit.sum())


def _novelty(one: Thumbnail, other: Thumbnail) -> float:
    """Return 1 less the best correlation of one frame's middle in the other, borders left out."""
    left, top, width, height = cv2.boundingRect(_lit(one, other).view(np.uint8))
    if min(width, height) < _LEAST_SIDE:
        return 0.0
    inside = (slice(top, top + height), slice(left, left + width))
    first, second = _structure(one[inside]), _structure(other[inside])
    rows, columns = (slice(side // 4, side - side // 4) for side in first.shape)
    found = (
        cv2.matchTemplate(within, middle, cv2.TM_CCOEFF_NORMED).max()
        for within, middle in (
            (second, first[rows, columns]),
            (first, second[rows, columns]),
        )
    )
    return 1.0 - float(max(found))


def _lit(one: Thumbnail, other: Thumbnail) -> NDArray[np.bool_]:
    return np.asarray(np.maximum(one, other).max(axis=2) >= _BLACK)


def _structure(frame: Thumbnail) -> NDArray[np.float32]:
    """Return the grey levels (h, w) float32 without their coarse part."""
    grey = frame.mean(axis=2)
    return np.asarray(grey - cv2.GaussianBlur(grey, (0, 0), _COARSE), np.float32)
