"""Probabilities smoothed over time, so that masks flicker less."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

Map = tuple[int, NDArray[np.float32]]


def reach(start: int, stop: int, frame_count: int) -> tuple[int, int]:
    """Return the range of frames that smoothing takes in for `start` to `stop`.

    >>> reach(0, 10, frame_count=30), reach(10, 20, frame_count=30), reach(20, 30, frame_count=30)
    ((0, 11), (9, 21), (19, 30))
    """
    return (start - 1 if start > 0 else start, stop + 1 if stop < frame_count else stop)


def smooth(frames: Iterable[Map], start: int, stop: int) -> Iterator[Map]:
    """Average each frame's probability with those beside it, by 1/4, 1/2 and 1/4.

    At the ends of the video a frame stands for the one that is missing. Holds three frames. What
    comes out doesn't depend on `start` and `stop`, to the last bit, as long as all frames that
    `reach` says are given.

    Args:
        frames: each frame with its probability (H, W) float32, in order, without gaps.
        start: first frame wanted.
        stop: one past the last frame wanted; frames outside are only averaged in.

    Yields:
        Frame and its smoothed probability (H, W) float32, for each frame of the range, in order.
    """
    before: Map | None = None
    held: Map | None = None
    for after in frames:
        if held is not None:
            if start <= held[0] < stop:
                yield _mean(before or held, held, after)
            before = held
        held = after
    if held is not None and start <= held[0] < stop:
        yield _mean(before or held, held, held)


def _mean(before: Map, frame: Map, after: Map) -> Map:
    sides = before[1] + after[1]
    return frame[0], np.asarray(frame[1] / 2 + sides / 4, np.float32)
