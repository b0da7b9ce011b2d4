"""The pictures that a file's frames show, from wherever decoding starts."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from pipeline.media.container import Damaged, open_media, read_frames, read_numbered
from pipeline.media.orientation import Orientation, orientation_of
from pipeline.media.proof import PROOF_FRAMES
from pipeline.media.transparency import is_transparent
from pipeline.values import ScannedVideo

_FIRST_BACK_S, _FURTHER = 2, 5  # 2, 10, 50, ... seconds before a frame
_MOST_LEFT = 20  # pictures in a decoder at the end: see `read_frames`
# From so many whole pictures on, all that others are built on was decoded since the start: H.264
# and HEVC hold 16 at most.
_SETTLED = 20


def starting_points(video: ScannedVideo, index: int) -> Iterator[int]:
    """Suggest frames to start decoding at for a frame, nearest first; 0 is the file's start."""
    # Not all damage is told: some pictures are decoded before the first that is wanted.
    latest = min(index - _SETTLED, video.info.frame_count - _MOST_LEFT)
    start = video.start_before(latest) if latest > PROOF_FRAMES else 0
    back_s = _FIRST_BACK_S
    while start > 0:
        yield start
        at = int(video.timestamps[latest]) - round(back_s / video.time_base)
        before = int(np.searchsorted(video.timestamps, at, side="right")) - 1
        start = video.start_before(max(before, 0))
        back_s *= _FURTHER
    yield 0


_Timed = tuple[int, VideoFrame, Orientation]


class TooNear(Exception):
    """Decoding started too near to a frame to show what it shows from the file's start."""


class Playback:
    """Decodes a file from one of its starts, and shows what is on screen at rising times.

    Pictures that depend on damage differ by where decoding starts, unless enough whole ones came
    before. So it shows nothing before these, and decoders don't tell of all damage.

    Args:
        path: of the file.
        video: what the scan found.
        start: frame to start at; from the file's start everything is shown.
    """

    def __init__(self, path: Path, video: ScannedVideo, start: int) -> None:
        self._video = video
        self._start = start
        self._whole = 0  # pictures in a row since the start
        self._fails = False
        self._orientation = Orientation(video.info.rotation, video.info.mirrored)
        self._shown: _Timed | None = None
        self._next: _Timed | None = None
        with ExitStack() as stack:
            container, stream = stack.enter_context(open_media(path, video.max_pixels))
            # Of transparent pictures only FFmpeg's own decoder knows it, which isn't used then.
            self._turns = not is_transparent(stream)
            self._pictures: Iterator[tuple[int, VideoFrame]] = timed_pictures(
                container, stream, video, start, self._note_failure
            )
            self._stack = stack.pop_all()

    @property
    def place(self) -> int:
        """The frame that is on screen, or nearly."""
        timestamp = self._video.timestamps[0] if self._shown is None else self._shown[0]
        return max(self._start, int(np.searchsorted(self._video.timestamps, timestamp)))

    def show(self, timestamp: int) -> tuple[VideoFrame, Orientation, bool] | None:
        """Return the last picture that isn't later, or the first.

        Args:
            timestamp: not before the last one.

        Returns:
            The picture as it is stored, how it is turned, and whether it is of another time; None
            where there is no picture at all.

        Raises:
            TooNear: start further ahead.
        """
        while self._shown is None or self._shown[0] < timestamp:
            if self._next is None:
                self._next = self._decode()
            if self._next is None or (self._shown is not None and self._next[0] > timestamp):
                break
            self._shown, self._next = self._next, None
        if self._start > 0 and self._whole < _SETTLED:
            raise TooNear
        if self._shown is None:
            return None
        shown_at, picture, orientation = self._shown
        return picture, orientation, shown_at != timestamp

    def close(self) -> None:
        """Close the file, and let go of the decoder at once."""
        self._pictures = iter(())  # it knows this object
        self._stack.close()

    def _decode(self) -> _Timed | None:
        timestamp, picture = next(self._pictures, (0, None))
        if self._start > 0 and self._whole < _SETTLED and picture is not None:
            if picture.is_corrupt or self._fails:
                raise TooNear
            self._whole += 1
        if picture is None:
            return None
        # Streams that say it themselves may do so in keyframes only.
        if self._turns:
            kept = Orientation() if picture.key_frame else self._orientation
            self._orientation = orientation_of(picture) or kept
        return timestamp, picture, self._orientation

    def _note_failure(self) -> None:
        self._fails = True


def timed_pictures(
    container: InputContainer,
    stream: VideoStream,
    video: ScannedVideo,
    start: int,
    damaged: Damaged,
) -> Iterator[tuple[int, VideoFrame]]:
    """Decode from a start; yield pictures with their rising timestamps."""
    if video.numbers is not None:
        numbered = read_numbered(
            container,
            stream,
            video.max_pixels,
            int(video.numbers[start]) if start else 0,
            damaged,
        )
        yield from _of_numbers(numbered, video.timestamps, video.numbers)
        return
    last: int | None = None
    seek_to = int(video.timestamps[start]) if start else None
    for frame in read_frames(container, stream, video.max_pixels, seek_to, damaged=damaged):
        if frame.pts is not None and (last is None or frame.pts > last):
            last = frame.pts
            yield last, frame


def _of_numbers(
    pictures: Iterator[tuple[int, VideoFrame]],
    timestamps: NDArray[np.int64],
    numbers: NDArray[np.int64],
) -> Iterator[tuple[int, VideoFrame]]:
    """Give pictures the timestamps of their frames, known by the packets that hold them."""
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    last, again = -1, 0
    for number, frame in pictures:
        again = again + 1 if number == last else 0  # a packet may hold several
        last = number
        place = int(np.searchsorted(ordered, number)) + again
        if place < len(ordered) and ordered[place] == number:
            yield int(timestamps[order[place]]), frame
