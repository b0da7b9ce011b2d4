"""The pictures that a file's frames show, from wherever decoding starts."""

from collections.abc import Iterator, Sequence

import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from pipeline.errors import BrokenVideo
from pipeline.media.container import read_frames, read_numbered
from pipeline.media.proof import PROOF_FRAMES
from pipeline.values import ScannedVideo

_SEEK_BACK_S = (0, 2, 10)
_MOST_LEFT = 20  # pictures in a decoder at the end: see `read_frames`


def starting_points(video: ScannedVideo, index: int) -> Iterator[int]:
    """Suggest frames to start decoding at for a frame, nearest first; 0 is the file's start."""
    latest = min(index, video.info.frame_count - _MOST_LEFT)
    if latest > PROOF_FRAMES:
        for back_s in _SEEK_BACK_S:
            at = int(video.timestamps[latest]) - round(back_s / video.time_base)
            before = int(np.searchsorted(video.timestamps, at, side="right")) - 1
            start = int(video.starts[np.searchsorted(video.starts, max(before, 0), "right") - 1])
            if start > 0:
                yield start
    yield 0


def timed_pictures(
    container: InputContainer, stream: VideoStream, video: ScannedVideo, start: int
) -> Iterator[tuple[int, VideoFrame]]:
    """Decode from a start; yield pictures with their rising timestamps."""
    if video.numbers is not None:
        yield from _numbered_pictures(container, stream, video, video.numbers, start)
        return
    last: int | None = None
    seek_to = int(video.timestamps[start]) if start else None
    for frame in read_frames(container, stream, video.max_pixels, seek_to):
        if frame.pts is not None and (last is None or frame.pts > last):
            last = frame.pts
            yield last, frame


def _numbered_pictures(
    container: InputContainer,
    stream: VideoStream,
    video: ScannedVideo,
    numbers: NDArray[np.int64],
    start: int,
) -> Iterator[tuple[int, VideoFrame]]:
    """Decode from a start; know pictures by the packets that hold them."""
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    last, again = -1, 0
    packet = int(numbers[start]) if start else 0
    for number, frame in read_numbered(container, stream, video.max_pixels, packet):
        again = again + 1 if number == last else 0  # a packet may hold several
        last = number
        place = int(np.searchsorted(ordered, number)) + again
        if place < len(ordered) and ordered[place] == number:
            yield int(video.timestamps[order[place]]), frame


def pick(
    pictures: Iterator[tuple[int, VideoFrame]], video: ScannedVideo, indices: Sequence[int]
) -> Iterator[tuple[int, VideoFrame, bool]]:
    """Choose for each wanted frame the last picture that isn't later; tell where that is older."""
    wanted = iter(indices)
    index = next(wanted, None)
    start = video.timestamps[indices[0]]
    last: VideoFrame | None = None
    found = False
    for timestamp, picture in pictures:
        while index is not None and video.timestamps[index] < timestamp:
            yield index, picture if last is None else last, True
            index = next(wanted, None)
        if index is None:
            break
        last = picture
        found = found or timestamp >= start
        if timestamp == video.timestamps[index]:
            yield index, picture, False
            index = next(wanted, None)
            if index is None:
                return
    if last is None or not found:
        raise BrokenVideo(
            f"None of the frames {indices[0]} to {indices[-1]} can be decoded: the file is damaged."
        )
    while index is not None:
        yield index, last, True
        index = next(wanted, None)
