"""The frames that a media file says it holds, checked against what it does hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from pipeline.errors import BrokenVideo, VideoTooLarge
from pipeline.media import open_media, read_frames, read_packets
from pipeline.values import VideoLimits

PROOF_FRAMES = 10  # decoded where a listing is proved
DEFAULT_FPS = Fraction(25)
_FPS_TOLERANCE = 0.01

# A file may hold this much less than its header promises; edits and rounding cause as much.
_MISSING_SHARE = 0.05
_MISSING_FRAMES = 2


@dataclass(frozen=True)
class Listing:
    """What a file's packets say, without decoding.

    Attributes:
        timestamps: (T,) int64, sorted, of the packets that have one.
        last_duration: of the frame shown last, in units of the time base; 0 if unknown.
        complete: every packet has a timestamp, and no two the same.
    """

    timestamps: NDArray[np.int64]
    last_duration: int
    complete: bool


def check_pixels(width: int, height: int, limits: VideoLimits) -> None:
    """Refuse frames that are too large.

    Raises:
        VideoTooLarge: they are past the limit.
    """
    if width * height > limits.max_pixels:
        raise VideoTooLarge(
            f"Got frames of {width}x{height} pixels, wanted at most {limits.max_pixels} in all."
        )


def check_duration(duration_s: float, limits: VideoLimits) -> None:
    """Refuse a video that is too long.

    Raises:
        VideoTooLarge: it is past the limit.
    """
    if duration_s > limits.max_duration_s:
        raise VideoTooLarge(
            f"Got a video of {duration_s:.1f} s, wanted at most {limits.max_duration_s:g} s."
        )


def list_packets(container: InputContainer, stream: VideoStream, limits: VideoLimits) -> Listing:
    """Read a freshly opened file's packets to its end and list the frames they hold.

    Raises:
        BrokenVideo: there are none, or clearly fewer than the header promises.
        VideoTooLarge: they are past the limit.
    """
    is_mp4 = "mp4" in container.format.name
    promised_frames = len(stream.index_entries) if is_mp4 else 0
    promised_s = _promised_s(container, stream)
    held, untimed, end_s = 0, 0, 0.0
    frames: list[tuple[int, int]] = []
    for packet in read_packets(container):
        at = packet.dts if packet.pts is None else packet.pts
        if at is not None and packet.time_base is not None:
            end_s = max(end_s, float((at + (packet.duration or 0)) * packet.time_base))
        if packet.stream_index != stream.index:
            continue
        held += 1
        _check_count(held, limits)
        if packet.is_discard:  # outside of the file's edit list
            continue
        if packet.pts is None:
            untimed += 1
        else:
            frames.append((packet.pts, packet.duration or 0))
    if held == 0:
        raise BrokenVideo("Got a video stream of 0 frames, wanted at least 1.")
    _check_whole(held, promised_frames, "frames", slack=0)
    _check_whole(end_s, promised_s, "s", slack=float(_MISSING_FRAMES / rate_of(stream)))
    last_duration = _last_duration(frames, is_mp4)
    frames.sort()
    timestamps = np.array([pts for pts, _ in frames], np.int64)
    complete = untimed == 0 and bool((np.diff(timestamps) > 0).all())
    return Listing(timestamps, last_duration, complete)


def _last_duration(frames: Sequence[tuple[int, int]], is_mp4: bool) -> int:
    """Return how long the last of the frames stays, given as they are decoded.

    In MP4 a duration is the time to the next frame that is decoded, whatever is shown next: only
    that of the frame decoded last is one of a frame. Without B-frames that is the one shown last.
    """
    _, duration = (frames[-1] if is_mp4 else max(frames)) if frames else (0, 0)
    return duration


def _check_count(count: int, limits: VideoLimits) -> None:
    if count > limits.max_frames:
        raise VideoTooLarge(f"Got more than {limits.max_frames} frames, wanted at most that many.")


def _promised_s(container: InputContainer, stream: VideoStream) -> float:
    """Read the duration that the header states; 0 where FFmpeg derives it from what is there."""
    if container.format.name == "matroska,webm":
        return (container.duration or 0) / 1e6
    if container.format.name == "avi":
        return float(stream.frames / rate_of(stream))
    return 0.0


def _check_whole(held: float, promised: float, unit: str, slack: float) -> None:
    if held < promised - max(slack, promised * _MISSING_SHARE):
        raise BrokenVideo(
            f"Got {held:.6g} of the {promised:.6g} {unit} that the header promises: the file is "
            "truncated. Wanted a complete file."
        )


def rate_of(stream: VideoStream) -> Fraction:
    """Return the frame rate that the header states, FFmpeg guesses, or video mostly has."""
    return stream.average_rate or stream.guessed_rate or DEFAULT_FPS


def check_decodes(decoded: int, listed: int) -> None:
    """Refuse a video of which hardly anything decodes, in place of one picture shown for all.

    Raises:
        BrokenVideo: less than a third decodes; hidden frames and fields stored apart account for
            up to half.
    """
    if 3 * decoded < listed:
        raise BrokenVideo(
            f"Got a video of which {decoded} of {listed} frames can be decoded: it is damaged. "
            "Wanted a complete file."
        )


def seeks(path: Path, limits: VideoLimits, timestamps: NDArray[np.int64]) -> bool:
    """Tell whether frames have the same timestamps after seeking into the middle."""
    if len(timestamps) <= PROOF_FRAMES:
        return True  # never worth seeking
    with open_media(path, limits.max_pixels) as (container, stream):
        frames = read_frames(container, stream, seek_to=int(timestamps[len(timestamps) // 2]))
        shown = [frame.pts for frame in islice(frames, PROOF_FRAMES)]
    at = int(np.searchsorted(timestamps, shown[0] or 0)) if shown else 0
    expected: list[int] = timestamps[at : at + len(shown)].tolist()
    return shown == expected


def list_by_decoding(
    path: Path, limits: VideoLimits, time_base: Fraction, rate: Fraction
) -> tuple[NDArray[np.int64], Fraction]:
    """Count frames by decoding all; their timestamps, made up from `rate` where they don't rise."""
    shown: list[int | None] = []
    with open_media(path, limits.max_pixels) as (container, stream):
        for frame in read_frames(container, stream):
            shown.append(frame.pts)
            _check_count(len(shown), limits)
    known = [pts for pts in shown if pts is not None]
    timestamps = np.array(known, np.int64)
    if len(known) == len(shown) and (np.diff(timestamps) > 0).all():
        return timestamps, time_base
    return np.arange(len(shown), dtype=np.int64), 1 / rate


def mean_fps(timestamps: NDArray[np.int64], time_base: Fraction, rate: Fraction) -> Fraction:
    """Measure the frame rate; the header's, which is free of rounding, where the two agree."""
    if len(timestamps) < 2:
        return rate
    measured = (len(timestamps) - 1) / ((int(timestamps[-1]) - int(timestamps[0])) * time_base)
    if abs(rate / measured - 1) < _FPS_TOLERANCE:
        return rate
    return measured.limit_denominator(1001) if measured > 1 else measured
