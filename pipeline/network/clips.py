"""Which frames each clip of a video takes."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def clip_starts(frame_count: int, length: int, stride: int) -> NDArray[np.int64]:
    """Choose rising starts (C,) of clips of `length` frames, so that each frame is in one.

    The last clip ends with the video; a shorter one gets the start 0. Raises ValueError for a
    stride outside 1 to `length` and a video without frames.
    """
    if frame_count < 1:
        raise ValueError(f"A video must have at least 1 frame, got {frame_count}.")
    if not 1 <= stride <= length:
        raise ValueError(f"stride must be 1 to {length} frames, got {stride}.")
    last = max(0, frame_count - length)
    starts = np.arange(0, last + 1, stride, dtype=np.int64)
    return starts if starts[-1] == last else np.append(starts, last)


def clips_of(frames: Iterable[int], frame_count: int, length: int, stride: int) -> list[int]:
    """Choose the starts, rising, of the whole video's clips that hold one of some frames.

    Frames segmented apart need these for the same result. Raises ValueError for one outside.
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
    """Return the frames of a clip; fewer than `length` where the video is shorter."""
    return range(start, min(start + length, frame_count))
