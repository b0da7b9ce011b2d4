"""Which frames each clip of a video takes."""

import numpy as np
from numpy.typing import NDArray


def clip_starts(frame_count: int, length: int, stride: int) -> NDArray[np.int64]:
    """Choose the first frame of each clip so that every frame is in at least one.

    Args:
        frame_count: T, frames in the video, at least 1.
        length: L, frames in a clip.
        stride: frames from one start to the next, 1 to `length`.

    Returns:
        (C,) int64, rising. The last clip ends with the video; a video shorter than a clip gets
        the one start 0 (the caller repeats its last frame).

    Raises:
        ValueError: `stride` is outside 1 to `length`, or `frame_count` is below 1.

    >>> clip_starts(20, length=8, stride=6)
    array([ 0,  6, 12])
    >>> clip_starts(21, length=8, stride=6)
    array([ 0,  6, 12, 13])
    >>> clip_starts(3, length=8, stride=6)
    array([0])
    """
    if frame_count < 1:
        raise ValueError(f"Got a video of {frame_count} frames, wanted at least 1.")
    if not 1 <= stride <= length:
        raise ValueError(f"Got a stride of {stride} frames, wanted 1 to {length}.")
    last = max(0, frame_count - length)
    starts = np.arange(0, last + 1, stride, dtype=np.int64)
    return starts if starts[-1] == last else np.append(starts, last)


def clips_of(
    start: int, stop: int, frame_count: int, length: int, stride: int
) -> NDArray[np.int64]:
    """Choose the clips of the whole video that hold a frame of `start` to `stop`.

    A part of a video that is segmented apart from the rest needs exactly these, so that the parts
    put together equal the whole.

    Returns:
        (C,) int64, rising: the first frame of each clip, in frames of the whole video.

    Raises:
        ValueError: as `clip_starts`, or the range is empty or outside the video.

    >>> clips_of(12, 18, frame_count=40, length=8, stride=6)
    array([ 6, 12])
    """
    if not 0 <= start < stop <= frame_count:
        raise ValueError(f"Got frames {start} to {stop}, wanted a range within 0 to {frame_count}.")
    starts = clip_starts(frame_count, length, stride)
    return starts[(starts + length > start) & (starts < stop)]
