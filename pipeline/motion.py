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
# Below this share of the grid that follows one homography the frames show different things, as at a
# cut, or the flow is noise: nothing is known of what moves.
_LEAST_INLIERS = 0.1
# Residuals that are full scale in the two kinds of channel.
_LOG_RANGE = 5.0
_RATIO_RANGE = 1.5

Flow = NDArray[np.float32]


class MotionEstimator:
    """Estimates motion maps of pictures of one size; holds the buffers of the flow.

    Source: Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016, for the flow.
    """

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

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
            None if other is None else residual(self.flow(grey, _grey(other)))
            for other in (before, after)
        )
        return motion_map(backward, forward, (grey.shape[0] // SCALE, grey.shape[1] // SCALE))

    def maps(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Estimate the map of each of neighbouring pictures: (T, H / 2, W / 2, 3) uint8."""
        around = [None, *pictures, None]
        return np.stack([self.map(*around[t : t + 3]) for t in range(len(pictures))])

    def flow(self, start: NDArray[np.uint8], end: NDArray[np.uint8]) -> Flow:
        """Estimate where each pixel of one grey picture (H, W) uint8 is in another.

        Returns:
            (H, W, 2) float32, how far it moves along x and y, pixels.
        """
        return np.asarray(self._flow.calc(start, end, None), np.float32)


def _grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def residual(flow: Flow) -> NDArray[np.float32] | None:
    """Take the camera's motion, a homography, out of flow (H, W, 2) float32.

    Returns:
        (H / 2, W / 2) float32, the length of what is left, pixels of the flow's grid; None where no
        homography describes the flow.
    """
    height, width, _ = flow.shape
    rows, columns = np.mgrid[_GRID // 2 : height : _GRID, _GRID // 2 : width : _GRID]
    places = np.stack([columns, rows], axis=-1).reshape(-1, 2).astype(np.float32)
    moved = places + flow[rows, columns].reshape(-1, 2)
    if len(places) < 4:
        return None
    camera, inliers = cv2.findHomography(places, moved, cv2.RANSAC, _TOLERANCE)
    if camera is None or inliers.mean() < _LEAST_INLIERS:
        return None
    size = (width // SCALE, height // SCALE)
    half = cv2.resize(flow, size, interpolation=cv2.INTER_AREA)
    # Where the middles of the map's pixels lie in the picture.
    x = (np.arange(size[0], dtype=np.float32) + 0.5) * SCALE - 0.5
    y = (np.arange(size[1], dtype=np.float32) + 0.5) * SCALE - 0.5
    m = camera.astype(np.float32)
    across, down = x[None, :], y[:, None]
    depth = m[2, 0] * across + m[2, 1] * down + m[2, 2]
    left_x = half[..., 0] - ((m[0, 0] * across + m[0, 1] * down + m[0, 2]) / depth - across)
    left_y = half[..., 1] - ((m[1, 0] * across + m[1, 1] * down + m[1, 2]) / depth - down)
    return np.asarray(cv2.magnitude(left_x, left_y), np.float32)


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
