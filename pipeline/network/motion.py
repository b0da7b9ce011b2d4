"""What moves by itself: optical flow between neighbouring frames, the camera's part taken out."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.network.spec import CUES

CHANNELS = 3
SCALE = 2
"""Pixels of the network's picture, along each axis, in one pixel of a motion map."""

# A homography is fitted to the flow at every 8th pixel, with this error allowed, pixels.
_GRID = 8
_TOLERANCE = 1.0
# Enough where a third of the picture follows the camera; water and leaves would cost many more.
_TRIES = 300
# How much, in the mean, a pixel may differ from where the flow says that it went: a share of the
# picture's contrast, and grey levels of noise. More means that the frames show different things, as
# at a cut, and that the flow means nothing.
_MOST_CHANGE = 0.5
_NOISE = 6
# Residuals that are full scale in the two kinds of channel.
_LOG_RANGE = 5.0
_RATIO_RANGE = 1.5


@dataclass(frozen=True)
class Motion:
    """What moves in a picture of H x W pixels.

    Attributes:
        map: (H / 2, W / 2, 3) uint8, what moves by itself, as `motion_map` makes it.
        backward: (H / 2, W / 2, 2) float16, where each other pixel is in the frame before: how far
            along x and y, pixels of the picture; None where that can't be told.
        forward: the same for the frame after.
    """

    map: NDArray[np.uint8]
    backward: NDArray[np.float16] | None
    forward: NDArray[np.float16] | None


class MotionEstimator:
    """Estimates motion maps of pictures of one size; holds the buffers of the flow.

    Source: Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016, for the flow.
    """

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)

    def estimate(
        self,
        before: NDArray[np.uint8] | None,
        picture: NDArray[np.uint8],
        after: NDArray[np.uint8] | None,
    ) -> Motion:
        """Estimate what moves in a picture (H, W, 3) uint8, RGB, H and W even, by its neighbours.

        Args:
            before: the frame before; None for the first one.
            picture: the frame.
            after: the frame after; None for the last one.
        """
        grey = _grey(picture)
        backward, forward = (
            None if other is None else self._flow_between(grey, _grey(other))
            for other in (before, after)
        )
        size = (grey.shape[0] // SCALE, grey.shape[1] // SCALE)
        return Motion(
            motion_map(residual(backward), residual(forward), size),
            None if backward is None else backward.astype(np.float16),
            None if forward is None else forward.astype(np.float16),
        )

    def maps(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Estimate the map of each of neighbouring pictures: (T, H / 2, W / 2, 3) uint8."""
        before, after = [None, *pictures[:-1]], [*pictures[1:], None]
        around = zip(before, pictures, after, strict=True)
        return np.stack([self.estimate(*three).map for three in around])

    def _flow_between(
        self, start: NDArray[np.uint8], end: NDArray[np.uint8]
    ) -> NDArray[np.float32] | None:
        """Return the flow from one grey picture (H, W) to another, (H / 2, W / 2, 2) float32.

        None where the pictures show different things.
        """
        flow = self._flow.calc(start, end, np.zeros(0, np.float32))
        height, width = start.shape
        places = np.mgrid[_GRID // 2 : height : _GRID, _GRID // 2 : width : _GRID].reshape(2, -1)
        ends = places + flow[places[0], places[1], ::-1].T
        rows, columns = np.clip(ends.round(), 0, [[height - 1], [width - 1]]).astype(np.intp)
        change = np.abs(start[places[0], places[1]].astype(np.int16) - end[rows, columns])
        if change.mean() > max(_NOISE, _MOST_CHANGE * start.std()):
            return None
        half = cv2.resize(flow, (width // SCALE, height // SCALE), interpolation=cv2.INTER_AREA)
        return np.asarray(half, np.float32)


def _grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def residual(flow: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
    """Take the camera's motion, a homography, out of flow.

    Args:
        flow: (h, w, 2) float32, of every other pixel of a picture, pixels of the picture; None
            where nothing is known.

    Returns:
        (h, w) float32, the length of what is left; None where no homography describes the flow.
    """
    if flow is None:
        return None
    height, width, _ = flow.shape
    # Where the middles of the flow's pixels lie in the picture.
    x = np.broadcast_to((np.arange(width, dtype=np.float32) + 0.5) * SCALE - 0.5, (height, width))
    y = ((np.arange(height, dtype=np.float32) + 0.5) * SCALE - 0.5)[:, None]
    places = np.stack([x, np.broadcast_to(y, x.shape)], axis=-1)
    step = _GRID // SCALE
    starts = places[step // 2 :: step, step // 2 :: step].reshape(-1, 2)
    ends = starts + flow[step // 2 :: step, step // 2 :: step].reshape(-1, 2)
    camera, _ = cv2.findHomography(starts, ends, cv2.RANSAC, _TOLERANCE, maxIters=_TRIES)
    if camera is None:
        return None
    m = camera.astype(np.float32)
    depth = m[2, 0] * x + m[2, 1] * y + m[2, 2]
    across = (m[0, 0] * x + m[0, 1] * y + m[0, 2]) / depth - x
    down = (m[1, 0] * x + m[1, 1] * y + m[1, 2]) / depth - y
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


def to_cues(
    motion: Sequence[NDArray[np.uint8]] | NDArray[np.uint8],
    earlier: Sequence[NDArray[np.float32]] | None = None,
) -> NDArray[np.uint8]:
    """Join what moves in a clip and what an earlier pass found in it.

    Args:
        motion: (h, w, 3) uint8 of each of L frames, as `motion_map` makes it.
        earlier: (h, w) float32 of each, the probability of foreground; None before the first pass.

    Returns:
        (1, L, h, w, 4) uint8, as a model takes it for a batch of one clip.
    """
    cues = np.zeros((1, len(motion), *motion[0].shape[:2], CUES), np.uint8)
    cues[0, ..., :CHANNELS] = motion
    if earlier is not None:
        cues[0, ..., CHANNELS] = np.round(np.multiply(earlier, 255))
    return cues
