"""The frames that a media file says it holds, and whether that can be believed."""

from array import array
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from pipeline.errors import BrokenVideo, NotAVideo, VideoTooLarge
from pipeline.media.container import check_pixels, is_picture_file
from pipeline.media.joined import JOINED_FORMATS, packets_of_one_codec
from pipeline.media.stated_size import stated_size
from pipeline.media.vpx import READERS
from pipeline.values import VideoLimits

NO_TIME = -(2**63)  # as FFmpeg's AV_NOPTS_VALUE
DEFAULT_FPS = Fraction(25)
REORDERED = 16  # frames at most, in H.264 and HEVC, by which one is shown later than decoded
_FPS_TOLERANCE = 0.01

_SIZE_SLACK_BYTES = 64  # some writers count the header or the padding twice
_MISSING_SHARE = 0.05  # of an index: edits cause as much

_MAX_STEP_S = 10.0  # from frame to frame: from here on, FFmpeg's own tools see another clock


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What a stream's packets (P,) say, in the order of the file and in units of the time base."""

    pts: NDArray[np.int64]  # when they are shown, `NO_TIME` if unknown
    dts: NDArray[np.int64]  # when they are decoded, likewise
    shows: NDArray[np.bool_]  # which hold a frame to be shown
    key: NDArray[np.bool_]
    last_duration: int  # of the frame shown last; 0 if unknown
    time_base: Fraction
    joined: bool  # the container is one whose clock may jump
    rate_only: bool  # it has no timestamps, but a rate: FFmpeg guesses them
    single: bool  # no packet shows several frames
    # Each begins where the container says its time. Others have guessed times, which are other ones
    # after seeking (MPEG-PS with many frames in a pack).
    placed: bool

    @property
    def timestamps(self) -> NDArray[np.int64]:
        shown = self.pts[self.shows]
        return np.sort(shown[shown != NO_TIME])

    @property
    def numbers(self) -> NDArray[np.int64]:
        """The packets of `timestamps`, counted from 0."""
        shown = np.flatnonzero(self.shows & (self.pts != NO_TIME))
        return shown[np.argsort(self.pts[shown], kind="stable")]

    @property
    def plausible(self) -> bool:
        """Whether each shown packet has a timestamp of its own, and the clock never jumps."""
        pts = self.pts[self.shows]
        alone = (pts != NO_TIME).all() and (np.diff(np.sort(pts)) > 0).all()
        return bool(alone) and self.single and not self.jumps and not self._misguessed

    @property
    def _misguessed(self) -> bool:
        """Whether FFmpeg guesses timestamps over packets that are empty, which it gets wrong."""
        guessed = self.rate_only and (self.pts != self.dts).any()
        return bool(guessed and (np.diff(self.dts) > 1).any())

    @property
    def jumps(self) -> bool:
        """Whether the clock goes back, or far ahead in a container that is often joined."""
        dts = self.dts[self.shows]
        steps = np.diff(dts[dts != NO_TIME])
        ahead = self.joined and is_jump(steps, self.time_base).any()
        return bool(ahead or (steps < 0).any())


def check_duration(duration_s: float, limits: VideoLimits) -> None:
    if duration_s > limits.max_duration_s:
        raise VideoTooLarge(
            f"The video must last at most {limits.max_duration_s:g} s, got {duration_s:.1f} s."
        )


def check_count(count: int, limits: VideoLimits) -> None:
    if count > limits.max_frames:
        raise VideoTooLarge(f"The video must have at most {limits.max_frames} frames, got more.")


def list_packets(
    path: Path, container: InputContainer, stream: VideoStream, limits: VideoLimits
) -> Listing:
    """Read a freshly opened file's packets to its end and list the frames they hold.

    Raises BrokenVideo: there are none, the file is shorter than its container states, or its codec
    changes; NotAVideo: a still picture; VideoTooLarge.
    """
    _check_size(path)
    is_mp4 = "mp4" in container.format.name
    read_header = READERS.get(stream.codec_context.codec.name)
    pts, dts, durations = array("q"), array("q"), array("q")
    shows, key, single, placed = bytearray(), bytearray(), True, True
    for packet in packets_of_one_codec(path, container, stream):
        shown, is_key = 1, packet.is_keyframe
        if read_header is not None:
            header = read_header(memoryview(packet))
            shown, is_key = header.shown, header.key
            check_pixels(header.width, header.height, limits.max_pixels)
        pts.append(NO_TIME if packet.pts is None else packet.pts)
        dts.append(NO_TIME if packet.dts is None else packet.dts)
        durations.append(packet.duration or 0)
        shows.append(shown > 0 and not packet.is_discard)  # outside of the file's edit list
        key.append(is_key)
        single = single and shown <= 1
        placed = placed and packet.pos is not None
        check_count(len(pts), limits)
    if len(pts) == 0:
        raise BrokenVideo("The video stream must have at least 1 frame, got 0.")
    if is_mp4:
        _check_index(path, stream, len(pts))
    rate_only = container.format.name == "avi"
    placed = placed and not (rate_only and _is_out_of_step(stream, dts[-1]))
    if len(pts) == 1 and is_picture_file(container):
        raise NotAVideo("The file must be a video, got a still picture.")
    visible = np.frombuffer(shows, np.bool_)
    return Listing(
        pts=(times := np.array(pts, np.int64)),
        dts=np.array(dts, np.int64),
        shows=visible,
        key=np.frombuffer(key, np.bool_),
        last_duration=_last_duration(times[visible], np.array(durations)[visible], is_mp4),
        time_base=stream.time_base or 1 / DEFAULT_FPS,
        joined=container.format.name in JOINED_FORMATS,
        rate_only=rate_only,
        single=single,
        placed=placed,
    )


def _last_duration(times: NDArray[np.int64], durations: NDArray[np.int64], is_mp4: bool) -> int:
    """Return how long the last of the frames stays, given as they are decoded.

    In MP4 a duration is the time to the next frame decoded, so only the last one's is a frame's.
    """
    if len(times) == 0:
        return 0
    return int(durations[-1 if is_mp4 else int(np.argmax(times))])


def _check_size(path: Path) -> None:
    stated, size = stated_size(path), path.stat().st_size
    if stated is not None and size < stated - _SIZE_SLACK_BYTES:
        raise BrokenVideo(
            f"The file is truncated: it has {size} of the {stated} bytes that its container states."
        )


def _check_index(path: Path, stream: VideoStream, held: int) -> None:
    """Compare MP4's index with the file; it grows while a fragmented file is read."""
    size = path.stat().st_size
    listed = [entry.pos + entry.size for entry in stream.index_entries if entry.size]
    here = min(held, sum(end <= size for end in listed))
    if here < len(listed) * (1 - _MISSING_SHARE):
        raise BrokenVideo(
            f"The file is truncated: it has {here} of the {len(listed)} frames in its index."
        )


def _is_out_of_step(stream: VideoStream, last: int) -> bool:
    """Tell whether AVI's packets, which are counted, have other numbers than in its index.

    After a damaged chunk they do, and after seeking the index counts.
    """
    numbers = [entry.timestamp for entry in stream.index_entries if entry.size]
    return len(numbers) > 0 and max(numbers) != last


def is_jump(steps: NDArray[np.int64], time_base: Fraction) -> NDArray[np.bool_]:
    """Tell which steps from one timestamp to the next are no pause, but another clock."""
    usual = usual_step(steps)
    return steps > max(_MAX_STEP_S / float(time_base), 10.0 * usual)


def usual_step(steps: NDArray[np.int64]) -> int:
    """Return the median of the steps forward; 0 if there are none."""
    forward = steps[steps > 0]
    return int(np.median(forward)) if len(forward) else 0


def rate_of(stream: VideoStream) -> Fraction:
    """Return the frame rate that the header states, FFmpeg guesses, or video mostly has."""
    return stream.average_rate or stream.guessed_rate or DEFAULT_FPS


def mean_fps(timestamps: NDArray[np.int64], time_base: Fraction, rate: Fraction) -> Fraction:
    """Measure the frame rate; the header's, which is free of rounding, where the two agree."""
    if len(timestamps) < 2:
        return rate
    measured = (len(timestamps) - 1) / ((int(timestamps[-1]) - int(timestamps[0])) * time_base)
    if abs(rate / measured - 1) < _FPS_TOLERANCE:
        return rate
    return measured.limit_denominator(1001) if measured > 1 else measured
