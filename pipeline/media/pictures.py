"""The pictures that a file's frames show, from wherever decoding starts."""

from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from pipeline.media.container import THREADS, open_media, read_frames, read_numbered
from pipeline.media.damage import DamageTracker
from pipeline.media.orientation import Orientation, orientation_of
from pipeline.media.proof import PROOF_FRAMES
from pipeline.media.transparency import is_transparent
from pipeline.values import Fault, ScannedVideo

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


class TooNear(Exception):
    """Decoding started too near to a frame to show what it shows from the file's start."""


class _Picture(NamedTuple):
    time: int  # in units of the video's time base
    stored: VideoFrame
    orientation: Orientation
    damaged: bool


class Playback:
    """Decodes a file from a start, and shows what is on screen at rising times.

    Pictures that depend on damage differ by where decoding starts, unless enough whole ones came
    before. So it shows nothing before these, and decoders don't tell of all damage. From the file's
    start everything is shown.
    """

    def __init__(self, path: Path, video: ScannedVideo, start: int) -> None:
        self._path = path
        self._video = video
        self._start = start
        self._whole = 0  # pictures in a row since the start
        self._fails = False
        self._shown: _Picture | None = None
        self._next: _Picture | None = None
        self._pictures = self._decode()

    @property
    def place(self) -> int:
        """The frame that is on screen, or nearly."""
        timestamp = self._video.timestamps[0] if self._shown is None else self._shown.time
        return max(self._start, int(np.searchsorted(self._video.timestamps, timestamp)))

    def show(self, timestamp: int) -> tuple[VideoFrame, Orientation, Fault | None] | None:
        """Return the last picture that isn't later, or the first; None where there is none at all.

        As it is stored, with how it is turned, and `repeated` if of another time. Raises TooNear.
        """
        while self._shown is None or self._shown.time < timestamp:
            if self._next is None:
                self._next = next(self._pictures, None)
            if self._next is None or (self._shown is not None and self._next.time > timestamp):
                break
            self._shown, self._next = self._next, None
        if not self._is_settled:
            raise TooNear
        if self._shown is None:
            return None
        fault: Fault | None = "damaged" if self._shown.damaged else None
        if self._shown.time != timestamp:
            fault = "repeated"
        return self._shown.stored, self._shown.orientation, fault

    def close(self) -> None:
        """Close the file, and let go of the decoder at once."""
        self._pictures.close()

    @property
    def _is_settled(self) -> bool:
        return self._start == 0 or self._whole >= _SETTLED

    def _decode(self) -> Generator[_Picture, None, None]:
        """Decode from the start to the end; once more without threads what was lost in these."""
        orientation = Orientation(self._video.info.rotation, self._video.info.mirrored)
        last: int | None = None
        for threads in (THREADS, 1):
            with open_media(self._path, self._video.max_pixels, threads=threads) as opened:
                # Of transparent pictures only FFmpeg's own decoder knows it, which isn't used then.
                turns = not is_transparent(opened[1])
                for time, picture, damaged in self._timed(*opened):
                    if last is not None and time <= last:
                        continue
                    last = time
                    if not self._is_settled:
                        if self._fails or (damaged and self._whole):
                            raise TooNear
                        if damaged:
                            continue
                        self._whole += 1
                    # Streams that say it themselves may do so in keyframes only.
                    if turns:
                        kept = Orientation() if picture.key_frame else orientation
                        orientation = orientation_of(picture) or kept
                    yield _Picture(time, picture, orientation, damaged)
            if last is not None and last >= self._video.timestamps[-1]:
                return

    def _timed(
        self, container: InputContainer, stream: VideoStream
    ) -> Iterator[tuple[int, VideoFrame, bool]]:
        """Decode pictures with their rising timestamps, and whether they are damaged."""
        video, start = self._video, self._start
        times_of = _times_of(video)
        tracker = DamageTracker(
            stream, lambda pts: next(iter(times_of(pts)), None), from_start=start == 0
        )

        def failed(_: object) -> None:
            self._fails = True
            tracker.failed()

        if video.numbers is not None:
            number = int(video.numbers[start]) if start else 0
            numbered = read_numbered(
                container, stream, video.max_pixels, number, fed=tracker.fed, failed=failed
            )
            return tracker.judged(_timed_by_number(numbered, times_of))
        seek_to = int(video.timestamps[start]) if start else None
        frames = read_frames(
            container, stream, video.max_pixels, seek_to, fed=tracker.fed, failed=failed
        )
        return tracker.judged(_timed_by_clock(frames))


def _times_of(video: ScannedVideo) -> Callable[[int], Sequence[int]]:
    """Return what tells when the pictures of a packet are shown, by its timestamp or number."""
    if video.numbers is None:
        order, known = None, video.timestamps
    else:
        order = np.argsort(video.numbers, kind="stable")
        known = video.numbers[order]

    def times_of(packet: int) -> Sequence[int]:
        found = slice(*np.searchsorted(known, [packet, packet + 1]).tolist())
        times: list[int] = video.timestamps[found if order is None else order[found]].tolist()
        return times

    return times_of


def _timed_by_clock(frames: Iterator[VideoFrame]) -> Iterator[tuple[int, VideoFrame]]:
    last: int | None = None
    for frame in frames:
        if frame.pts is not None and (last is None or frame.pts > last):
            last = frame.pts
            yield last, frame


def _timed_by_number(
    numbered: Iterator[tuple[int, VideoFrame]], times_of: Callable[[int], Sequence[int]]
) -> Iterator[tuple[int, VideoFrame]]:
    last, again = -1, 0
    for number, frame in numbered:
        again = again + 1 if number == last else 0  # a packet may hold several
        last = number
        times = times_of(number)
        if again < len(times):
            yield times[again], frame
