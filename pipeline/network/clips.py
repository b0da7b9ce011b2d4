"""Which frames each clip of a video takes."""

from collections.abc import Iterable

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
        raise ValueError(f"A video must have at least 1 frame, got {frame_count}.")
    if not 1 <= stride <= length:
        raise ValueError(f"stride must be 1 to {length} frames, got {stride}.")
    last = max(0, frame_count - length)
    starts = np.arange(0, last + 1, stride, dtype=np.int64)
    return starts if starts[-1] == last else np.append(starts, last)


def clips_of(frames: Iterable[int], frame_count: int, length: int, stride: int) -> list[int]:
    """Choose the clips of the whole video that hold one of some frames.

    Frames that are segmented apart from the others need exactly these, so that they get what they
    get in the whole.

    Returns:
        The first frame of each clip, rising.

    Raises:
        ValueError: a frame is outside the video.

    >>> clips_of([12, 17], frame_count=40, length=8, stride=6)
    [6, 12]
    """
    last = max(0, frame_count - length)
    starts: set[int] = set()
    for frame in frames:
        if not 0 <= frame < frame_count:
            raise ValueError(f"Frames must be 0 to {frame_count - 1}, got {frame}.")
        earliest = max(0, frame - length + 1)
        starts.update(range(-(-earliest // stride) * stride, min(frame, last) + 1, stride))
        if frame >= last:
            starts.add(last)
    return sorted(starts)


def clip_frames(start: int, frame_count: int, length: int) -> range:
    """Return the frames of a clip; fewer than `length` where the video is shorter.

    >>> clip_frames(6, frame_count=20, length=8), clip_frames(0, frame_count=3, length=8)
    (range(6, 14), range(0, 3))
    """
    return range(start, min(start + length, frame_count))
