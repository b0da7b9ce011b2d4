"""What moves by itself: optical flow between neighbouring frames, the camera's part taken out."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.network.spec import CUES

SCALE = 2
"""Pixels of the network's picture, along each axis, in one pixel of a motion map."""

# Frames are compared at every 8th pixel. A homography is fitted to the flow at every 16th, with
# this error allowed, pixels: it describes as much of the flow as by every 8th, in a third of the
# time.
_COMPARED = 8
_FITTED = 16
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
    """What moves in a picture (H, W): its `motion_map`, and the flow to the frames beside it.

    Flow is (H / 2, W / 2, 2), how far a pixel goes along x and y in the picture; None if unknown.
    `own` is that to the next frame less the camera's, or back from the one before.
    """

    map: NDArray[np.uint8]
    backward: NDArray[np.float32] | None
    forward: NDArray[np.float32] | None
    own: NDArray[np.float32] | None = None


class MotionEstimator:
    """Estimates motion in pictures of one size; the flow is that of Kroeger et al., ECCV 2016."""

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)

    def estimate(
        self,
        before: NDArray[np.uint8] | None,
        picture: NDArray[np.uint8],
        after: NDArray[np.uint8] | None,
    ) -> Motion:
        """Estimate what moves in a picture (H, W, 3) uint8 RGB of even sides, by its neighbours."""
        grey = _grey(picture)
        backward, forward = (
            None if other is None else self._flow_between(grey, _grey(other))
            for other in (before, after)
        )
        size = (grey.shape[0] // SCALE, grey.shape[1] // SCALE)
        behind, ahead = residual(backward), residual(forward)
        levels = motion_map(_length(behind), _length(ahead), size)
        own = ahead if ahead is not None or behind is None else -behind
        return Motion(levels, backward, forward, own)

    def maps(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Estimate the map of each of neighbouring pictures: (T, H / 2, W / 2, 3) uint8."""
        before, after = [None, *pictures[:-1]], [*pictures[1:], None]
        around = zip(before, pictures, after, strict=True)
        return np.stack([self.estimate(*three).map for three in around])

    def _flow_between(
        self, start: NDArray[np.uint8], end: NDArray[np.uint8]
    ) -> NDArray[np.float32] | None:
        """Return the flow between grey pictures; None where they show different things."""
        flow = self._flow.calc(start, end, np.zeros(0, np.float32))
        height, width = start.shape
        part = slice(_COMPARED // 2, None, _COMPARED)
        rows, columns = np.arange(height)[part, None], np.arange(width)[part]
        to_rows = np.clip((rows + flow[part, part, 1]).round(), 0, height - 1).astype(np.intp)
        to_columns = np.clip((columns + flow[part, part, 0]).round(), 0, width - 1).astype(np.intp)
        change = np.abs(start[part, part].astype(np.int16) - end[to_rows, to_columns])
        contrast = cv2.meanStdDev(start)[1].item()
        if change.mean() > max(_NOISE, _MOST_CHANGE * contrast):
            return None
        half = cv2.resize(flow, (width // SCALE, height // SCALE), interpolation=cv2.INTER_AREA)
        return np.asarray(half, np.float32)


def _grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def residual(flow: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
    """Return flow (h, w, 2) less the camera's, a homography; None where none fits it."""
    if flow is None:
        return None
    height, width, _ = flow.shape
    # Where the middles of the flow's pixels lie in the picture.
    x = (np.arange(width, dtype=np.float32) + 0.5) * SCALE - 0.5
    y = ((np.arange(height, dtype=np.float32) + 0.5) * SCALE - 0.5)[:, None]
    part = slice(_FITTED // SCALE // 2, None, _FITTED // SCALE)
    starts = np.stack(np.meshgrid(x[part], y[part, 0]), axis=-1).reshape(-1, 2)
    ends = starts + flow[part, part].reshape(-1, 2)
    camera, _ = cv2.findHomography(starts, ends, cv2.USAC_FAST, _TOLERANCE, maxIters=_TRIES)
    if camera is None:
        return None
    m = camera.astype(np.float32)
    across, down, depth = (row[0] * x + row[1] * y + row[2] for row in m)
    across = flow[..., 0] - (across / depth - x)
    down = flow[..., 1] - (down / depth - y)
    return np.stack([across, down], axis=-1)


def _length(flow: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
    return None if flow is None else np.asarray(cv2.magnitude(flow[..., 0], flow[..., 1]))


def motion_map(
    backward: NDArray[np.float32] | None, forward: NDArray[np.float32] | None, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Compare residuals (h, w), of which either may be None, with what the background has.

    Returns (h, w, 3) uint8: log(1 + m / (median + 0.15)) of the residual m in either direction, 255
    at 5, and m / (99th percentile + 0.3) of the smaller one, 255 at 1.5: what is uncovered moves in
    one direction only. A direction of which nothing is known is 0.
    """
    levels = np.zeros((*size, CUES), np.uint8)
    known = [m for m in (backward, forward) if m is not None]
    if known:
        smaller = np.minimum(known[0], known[-1])
        most = np.percentile(np.sort(smaller, axis=None), 99)  # twice as fast as unsorted
        levels[..., 2] = _levels(smaller / (most + 0.3) / _RATIO_RANGE)
    for channel, m in enumerate((backward, forward)):
        if m is not None:
            levels[..., channel] = _levels(np.log1p(m / (_median(m) + 0.15)) / _LOG_RANGE)
    return levels


def _median(values: NDArray[np.float32]) -> np.float32:
    """Return what `np.median` does, four times as fast: NumPy sorts by vector instructions."""
    ranked = np.sort(values, axis=None)
    return np.float32((ranked[(ranked.size - 1) // 2] + ranked[ranked.size // 2]) / 2)


def _levels(scaled: NDArray[np.floating]) -> NDArray[np.uint8]:
    within = np.minimum(scaled, 1, dtype=np.float32)
    return np.asarray((255 * within).round(), np.uint8)
