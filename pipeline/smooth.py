"""Probabilities smoothed over time, so that masks flicker less."""

from collections.abc import Container, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

Map = tuple[int, NDArray[np.float32]]


def with_neighbours(frames: Iterable[int], frame_count: int) -> list[int]:
    """Return the frames that smoothing takes in for those wanted, rising.

    >>> with_neighbours([0, 10, 12, 29], frame_count=30)
    [0, 1, 9, 10, 11, 12, 13, 28, 29]
    """
    near = {frame + step for frame in frames for step in (-1, 0, 1)}
    return sorted(frame for frame in near if 0 <= frame < frame_count)


def smooth(frames: Iterable[Map], wanted: Container[int]) -> Iterator[Map]:
    """Average each frame's probability with those beside it, by 1/4, 1/2 and 1/4.

    At the ends of the video a frame stands for the one that is missing. Holds three frames. What
    comes out doesn't depend on what else is wanted, to the last bit.

    Args:
        frames: each frame that `with_neighbours` says with its probability (H, W) float32, in
            order.
        wanted: frames to smooth; others are only averaged in.

    Yields:
        Frame and its smoothed probability (H, W) float32, for each frame wanted, in order.
    """
    before: Map | None = None
    held: Map | None = None
    for after in frames:
        if held is not None:
            if held[0] in wanted:
                yield _mean(before or held, held, after)
            before = held
        held = after
    if held is not None and held[0] in wanted:
        yield _mean(before or held, held, held)


def _mean(before: Map, frame: Map, after: Map) -> Map:
    sides = before[1] + after[1]
    return frame[0], np.asarray(frame[1] / 2 + sides / 4, np.float32)
