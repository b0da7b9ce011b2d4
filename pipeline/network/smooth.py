"""Probabilities smoothed over time, so that masks flicker less."""

from collections.abc import Callable, Container, Iterable, Iterator
from itertools import chain

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.network.motion import SCALE, Motion

Map = tuple[int, NDArray[np.float32]]


def with_neighbours(frames: Iterable[int], frame_count: int) -> list[int]:
    """Return the frames wanted and those beside them, which smoothing takes in, rising."""
    near = {frame + step for frame in frames for step in (-1, 0, 1)}
    return sorted(frame for frame in near if 0 <= frame < frame_count)


def smooth(
    frames: Iterable[Map],
    wanted: Container[int],
    motion_of: Callable[[int], Motion | None],
    cuts: Container[int] = (),
) -> Iterator[Map]:
    """Average each frame's probability with those beside it, by 1/4, 1/2 and 1/4, along the motion.

    Takes the frames of `with_neighbours`, (H, W) float32 in order; yields those wanted, the same to
    the last bit whatever else is. A frame stands for one missing, at the video's ends or beyond a
    cut. Holds three; `motion_of` is called once for each, None for pixels that stay.
    """
    before: Map | None = None
    held: Map | None = None
    for after in chain(frames, [None]):
        if held is not None:
            motion = motion_of(held[0])
            if held[0] in wanted:
                earlier = held if before is None or held[0] in cuts else before
                later = held if after is None or after[0] in cuts else after
                yield _mean(earlier, held, later, motion)
            before = held
        held = after


def _mean(before: Map, frame: Map, after: Map, motion: Motion | None) -> Map:
    if motion is None:
        sides = before[1] + after[1]
    else:
        sides = _moved(before[1], frame[1], motion.backward)
        sides += _moved(after[1], frame[1], motion.forward)
    return frame[0], np.asarray(cv2.addWeighted(frame[1], 0.5, sides, 0.25, 0), np.float32)


def _moved(
    other: NDArray[np.float32], own: NDArray[np.float32], flow: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """Return what another frame (H, W) has where this one's pixels are in it."""
    if flow is None:
        return own.copy()
    height, width = own.shape
    # Pixels of the probabilities in one of the flow: they may be of a larger picture than the
    # network's, which is padded otherwise.
    each = round(height / flow.shape[0])
    enlarge = np.array([[1 / each, 0, 0.5 / each - 0.5], [0, 1 / each, 0.5 / each - 0.5]])
    enlarged = cv2.warpAffine(
        flow,
        enlarge,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    to = np.asarray(enlarged, np.float32)
    if each != SCALE:
        to *= each / SCALE
    to[..., 0] += np.arange(width, dtype=np.float32)
    to[..., 1] += np.arange(height, dtype=np.float32)[:, None]
    # OpenCV takes None where one map has both axes; its types don't know that.
    moved = cv2.remap(  # type: ignore[call-overload]
        other, to, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, np.float32)
