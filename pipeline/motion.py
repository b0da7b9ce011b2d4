"""What moves by itself: optical flow between neighbouring frames, the camera's part taken out."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

CHANNELS = 3
SCALE = 2
"""Pixels of the network's picture, along each axis, in one pixel of a motion map."""

# A homography is fitted to the flow at every 8th pixel, with this error allowed, pixels.
_GRID = 8
_TOLERANCE = 1.0
# How much, in the mean, a pixel may differ from where the flow says that it went: a share of the
# picture's contrast, and grey levels of noise. More means that the frames show different things, as
# at a cut, and that the flow means nothing.
_MOST_CHANGE = 0.5
_NOISE = 6
# Residuals that are full scale in the two kinds of channel.
_LOG_RANGE = 5.0
_RATIO_RANGE = 1.5


class MotionEstimator:
    """Estimates motion maps of pictures of one size; holds the buffers of the flow.

    Source: Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016, for the flow.
    """

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    def map(
        self,
        before: NDArray[np.uint8] | None,
        picture: NDArray[np.uint8],
        after: NDArray[np.uint8] | None,
    ) -> NDArray[np.uint8]:
        """Estimate what moves in a picture (H, W, 3) uint8, RGB, H and W even, by its neighbours.

        Args:
            before: the frame before; None for the first one.
            picture: the frame.
            after: the frame after; None for the last one.

        Returns:
            (H / 2, W / 2, 3) uint8, as `motion_map` makes it.
        """
        grey = _grey(picture)
        backward, forward = (
            None if other is None else self._residual(grey, _grey(other))
            for other in (before, after)
        )
        return motion_map(backward, forward, (grey.shape[0] // SCALE, grey.shape[1] // SCALE))

    def maps(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Estimate the map of each of neighbouring pictures: (T, H / 2, W / 2, 3) uint8."""
        before, after = [None, *pictures[:-1]], [*pictures[1:], None]
        around = zip(before, pictures, after, strict=True)
        return np.stack([self.map(*three) for three in around])

    def _residual(
        self, start: NDArray[np.uint8], end: NDArray[np.uint8]
    ) -> NDArray[np.float32] | None:
        """Return what the camera's motion leaves of the flow between grey pictures (H, W).

        Returns:
            (H / 2, W / 2) float32, its length, pixels of the picture; None where the flow or the
            camera can't be told.
        """
        flow = self._flow.calc(start, end, np.zeros(0, np.float32))
        height, width = start.shape
        places = np.mgrid[_GRID // 2 : height : _GRID, _GRID // 2 : width : _GRID].reshape(2, -1)
        starts = places[::-1].T.astype(np.float32)
        ends = starts + flow[places[0], places[1]]
        columns, rows = np.clip(ends.round().T, 0, [[width - 1], [height - 1]]).astype(np.intp)
        change = np.abs(start[places[0], places[1]].astype(np.int16) - end[rows, columns])
        if change.mean() > max(_NOISE, _MOST_CHANGE * start.std()):
            return None
        camera, _ = cv2.findHomography(starts, ends, cv2.RANSAC, _TOLERANCE)
        if camera is None:
            return None
        half = cv2.resize(flow, (width // SCALE, height // SCALE), interpolation=cv2.INTER_AREA)
        return _beside(np.asarray(half, np.float32), camera.astype(np.float32))


def _grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def _beside(flow: NDArray[np.float32], camera: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how far flow (h, w, 2), of every other pixel, is from what a homography says."""
    height, width, _ = flow.shape
    # Where the middles of the map's pixels lie in the picture.
    x = ((np.arange(width, dtype=np.float32) + 0.5) * SCALE - 0.5)[None, :]
    y = ((np.arange(height, dtype=np.float32) + 0.5) * SCALE - 0.5)[:, None]
    depth = camera[2, 0] * x + camera[2, 1] * y + camera[2, 2]
    across = (camera[0, 0] * x + camera[0, 1] * y + camera[0, 2]) / depth - x
    down = (camera[1, 0] * x + camera[1, 1] * y + camera[1, 2]) / depth - y
    return np.asarray(cv2.magnitude(flow[..., 0] - across, flow[..., 1] - down), np.float32)


def motion_map(
    backward: NDArray[np.float32] | None, forward: NDArray[np.float32] | None, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Compare residuals (h, w) float32 with what the background has.

    Args:
        backward: towards the frame before; None where nothing is known.
        forward: towards the frame after; None where nothing is known.
        size: h and w.

    Returns:
        (h, w, 3) uint8: log(1 + m / (median + 0.15)) of the residual m in either direction, 255 at
        5, and m / (99th percentile + 0.3) of the smaller one, 255 at 1.5: what is uncovered moves
        in one direction only. A direction of which nothing is known is 0.
    """
    scaled = np.zeros((*size, CHANNELS), np.float32)
    known = [m for m in (backward, forward) if m is not None]
    if known:
        smaller = np.minimum(known[0], known[-1])
        scaled[..., 2] = smaller / (np.percentile(smaller, 99) + 0.3) / _RATIO_RANGE
    for channel, m in enumerate((backward, forward)):
        if m is not None:
            scaled[..., channel] = np.log1p(m / (np.median(m) + 0.15)) / _LOG_RANGE
    return (255 * np.minimum(scaled, 1)).round().astype(np.uint8)
