"""Frames of a video file: listing them once, then decoding any range of them."""

import json
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path

import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from pipeline.errors import BrokenVideo, SelectionError, VideoTooLarge
from pipeline.media import (
    RgbConverter,
    open_media,
    pixel_aspect_of,
    read_frames,
    read_packets,
    rotation_of,
)
from pipeline.values import Frame, ScannedVideo, VideoInfo, VideoLimits

_PROOF_FRAMES = 10  # decoded at scanning, to prove what the packets say
_HIDES_FRAMES = {"vp8"}  # codecs with packets that show nothing and look like all others
_DEFAULT_FPS = Fraction(25)
_FPS_TOLERANCE = 0.01

# A file may hold this much less than its header promises; edits and rounding cause as much.
_MISSING_SHARE = 0.05
_MISSING_FRAMES = 2

# A later picture may be larger than the first one, but not without end.
_GROWTH = 4
_SEEK_BACK_S = (0, 2, 10)


@dataclass(frozen=True)
class _Listing:
    """What a file's packets say, without decoding.

    Attributes:
        timestamps: (T,) int64, sorted, of the packets that have one.
        last_duration: of the frame shown last, in units of the time base; 0 if unknown.
        complete: every packet has a timestamp, and no two the same.
    """

    timestamps: NDArray[np.int64]
    last_duration: int
    complete: bool


def scan(path: Path, limits: VideoLimits) -> ScannedVideo:
    """List the frames of an untrusted file without decoding more than a few of them.

    Where timestamps are missing, doubled or contradicted by what decodes, the whole file is
    decoded once to count its frames, and `seekable` is false.

    Raises:
        NotAVideo: no allowed demuxer recognises the file.
        NoVideoStream: the file holds no moving pictures.
        BrokenVideo: it is truncated or encrypted, or nothing in it can be decoded.
        VideoTooLarge: it is past one of the limits.
    """
    with open_media(path, limits.max_pixels) as (container, stream):
        _check_pixels(stream.width, stream.height, limits)
        listing = _list_packets(container, stream, limits)
        codec = stream.codec_context.codec.name
        time_base = stream.time_base or 1 / _DEFAULT_FPS
        rate = _rate(stream)
    with open_media(path, limits.max_pixels) as (container, stream):
        proof = list(islice(read_frames(container, stream), _PROOF_FRAMES))
        if not proof:
            raise BrokenVideo(
                f"Got a {codec} video of which no frame can be decoded: it is damaged or encrypted."
            )
        _check_pixels(proof[0].width, proof[0].height, limits)
        rotation = rotation_of(proof[0])
        pixel_aspect = pixel_aspect_of(stream, rotation)
    timestamps, last_duration = listing.timestamps, listing.last_duration
    seekable = listing.complete and codec not in _HIDES_FRAMES
    if seekable:
        # A recording that starts between keyframes shows nothing before the first one.
        timestamps = timestamps[timestamps >= (proof[0].pts or 0)]
        shown = [frame.pts for frame in proof]
        seekable = shown == timestamps[: len(shown)].tolist() and _seeks(path, limits, timestamps)
    if not seekable:
        timestamps, time_base = _list_by_decoding(path, limits, time_base, rate)
        last_duration = 0
    fps = _mean_fps(timestamps, time_base, rate)
    shown_for = (int(timestamps[-1] - timestamps[0]) + last_duration) * time_base
    duration_s = float(shown_for if last_duration else shown_for + 1 / fps)
    if duration_s > limits.max_duration_s:
        raise VideoTooLarge(
            f"Got a video of {duration_s:.1f} s, wanted at most {limits.max_duration_s:g} s."
        )
    size = (proof[0].width, proof[0].height)
    width, height = size if rotation in {0, 180} else size[::-1]
    info = VideoInfo(
        width=width,
        height=height,
        frame_count=len(timestamps),
        fps=fps,
        duration_s=duration_s,
        rotation=rotation,
        pixel_aspect=pixel_aspect,
        codec=codec,
    )
    return ScannedVideo(info=info, timestamps=timestamps, time_base=time_base, seekable=seekable)


def select(video: ScannedVideo, start_s: float | None, end_s: float | None, every: int) -> range:
    """Choose the source frames shown from `start_s` until before `end_s`, each `every`-th.

    Raises:
        SelectionError: no frame lies in the range, or `every` is below 1.
    """
    if every < 1:
        raise SelectionError(f"Got every={every}, wanted at least 1.")
    count = video.info.frame_count
    start = 0 if start_s is None else bisect_left(range(count), start_s, key=video.time_s)
    stop = count if end_s is None else bisect_left(range(count), end_s, key=video.time_s)
    if start >= stop:
        raise SelectionError(
            f"Got start_s={start_s} and end_s={end_s}, wanted a range that holds a frame; the "
            f"video's {count} frames are shown from 0 to {video.time_s(count - 1):.3f} s."
        )
    return range(start, stop, every)


def decode(path: Path, video: ScannedVideo, indices: range) -> Iterator[Frame]:
    """Decode the frames of a rising range; their pixels don't depend on where it starts.

    A frame that can't be decoded shows the last picture before it, as players do. A frame of
    another size than the first one is scaled to it. Transparent pixels are seen over black.

    Args:
        path: of the file that was scanned.
        video: what the scan found.
        indices: source frames wanted.

    Yields:
        Exactly the frames of `indices`, in order.

    Raises:
        BrokenVideo: none of the wanted frames can be decoded.
        ValueError: the range isn't rising or isn't within the video.
    """
    info = video.info
    if len(indices) == 0:
        return
    if indices.step < 1 or indices[0] < 0 or indices[-1] >= info.frame_count:
        raise ValueError(f"Got {indices}, wanted a rising range within 0 to {info.frame_count}.")
    to_rgb = RgbConverter(info.height, info.width, info.rotation)
    max_pixels = _GROWTH * info.width * info.height
    for seek_to in _starting_points(video, indices[0]):
        with open_media(path, max_pixels) as (container, stream):
            pictures = _timed_pictures(container, stream, video, seek_to)
            first = next(pictures, None)
            late = first is not None and first[0] > video.timestamps[indices[0]]
            if seek_to is not None and (first is None or late):
                continue  # landed behind the wanted frame, or on nothing: start further ahead
            shown = pictures if first is None else chain([first], pictures)
            for index, picture in _pick(shown, video, indices):
                yield Frame(index, video.time_s(index), to_rgb(picture))
            return


def save_scan(video: ScannedVideo, path: Path) -> None:
    """Write a scan as JSON."""
    info = asdict(video.info)
    info |= {"fps": str(video.info.fps), "pixel_aspect": str(video.info.pixel_aspect)}
    saved = {
        "info": info,
        "timestamps": video.timestamps.tolist(),
        "time_base": str(video.time_base),
        "seekable": video.seekable,
    }
    path.write_text(json.dumps(saved))


def load_scan(path: Path) -> ScannedVideo:
    """Read what `save_scan` wrote."""
    saved = json.loads(path.read_text())
    info = saved["info"]
    info |= {"fps": Fraction(info["fps"]), "pixel_aspect": Fraction(info["pixel_aspect"])}
    return ScannedVideo(
        info=VideoInfo(**info),
        timestamps=np.array(saved["timestamps"], np.int64),
        time_base=Fraction(saved["time_base"]),
        seekable=saved["seekable"],
    )


def _check_pixels(width: int, height: int, limits: VideoLimits) -> None:
    if width * height > limits.max_pixels:
        raise VideoTooLarge(
            f"Got frames of {width}x{height} pixels, wanted at most {limits.max_pixels} in all."
        )


def _list_packets(container: InputContainer, stream: VideoStream, limits: VideoLimits) -> _Listing:
    promised_frames = len(stream.index_entries) if "mp4" in container.format.name else 0
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
    _check_whole(end_s, promised_s, "s", slack=float(_MISSING_FRAMES / _rate(stream)))
    frames.sort()
    timestamps = np.array([pts for pts, _ in frames], np.int64)
    complete = untimed == 0 and bool((np.diff(timestamps) > 0).all())
    return _Listing(timestamps, frames[-1][1] if frames else 0, complete)


def _check_count(count: int, limits: VideoLimits) -> None:
    if count > limits.max_frames:
        raise VideoTooLarge(f"Got more than {limits.max_frames} frames, wanted at most that many.")


def _promised_s(container: InputContainer, stream: VideoStream) -> float:
    """Read the duration that the header states; 0 where FFmpeg derives it from what is there."""
    if container.format.name == "matroska,webm":
        return (container.duration or 0) / 1e6
    if container.format.name == "avi":
        return float(stream.frames / _rate(stream))
    return 0.0


def _check_whole(held: float, promised: float, unit: str, slack: float) -> None:
    if held < promised - max(slack, promised * _MISSING_SHARE):
        raise BrokenVideo(
            f"Got {held:.6g} of the {promised:.6g} {unit} that the header promises: the file is "
            "truncated. Wanted a complete file."
        )


def _rate(stream: VideoStream) -> Fraction:
    return stream.average_rate or stream.guessed_rate or _DEFAULT_FPS


def _seeks(path: Path, limits: VideoLimits, timestamps: NDArray[np.int64]) -> bool:
    """Tell whether frames have the same timestamps after seeking into the middle."""
    if len(timestamps) <= _PROOF_FRAMES:
        return True  # never worth seeking
    with open_media(path, limits.max_pixels) as (container, stream):
        frames = read_frames(container, stream, seek_to=int(timestamps[len(timestamps) // 2]))
        shown = [frame.pts for frame in islice(frames, _PROOF_FRAMES)]
    at = int(np.searchsorted(timestamps, shown[0] or 0)) if shown else 0
    expected: list[int] = timestamps[at : at + len(shown)].tolist()
    return shown == expected


def _list_by_decoding(
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


def _mean_fps(timestamps: NDArray[np.int64], time_base: Fraction, rate: Fraction) -> Fraction:
    """Measure the frame rate; the header's, which is free of rounding, where the two agree."""
    if len(timestamps) < 2:
        return rate
    measured = (len(timestamps) - 1) / (int(timestamps[-1] - timestamps[0]) * time_base)
    agree = abs(rate / measured - 1) < _FPS_TOLERANCE
    return rate if agree else measured.limit_denominator(1001)


def _starting_points(video: ScannedVideo, index: int) -> Iterator[int | None]:
    """Suggest where to start decoding for a frame, nearest first; None is the file's start."""
    if video.seekable and index > _PROOF_FRAMES:
        for back_s in _SEEK_BACK_S:
            seek_to = int(video.timestamps[index]) - round(back_s / video.time_base)
            if seek_to > video.timestamps[0]:
                yield seek_to
    yield None


def _timed_pictures(
    container: InputContainer, stream: VideoStream, video: ScannedVideo, seek_to: int | None
) -> Iterator[tuple[int, VideoFrame]]:
    """Decode pictures with rising timestamps, counted where the container's can't be used."""
    frames = read_frames(container, stream, seek_to)
    if not video.seekable:
        yield from zip(video.timestamps.tolist(), frames, strict=False)
        return
    last: int | None = None
    for frame in frames:
        if frame.pts is not None and (last is None or frame.pts > last):
            last = frame.pts
            yield last, frame


def _pick(
    pictures: Iterator[tuple[int, VideoFrame]], video: ScannedVideo, indices: range
) -> Iterator[tuple[int, VideoFrame]]:
    """Choose for each wanted frame the last picture that isn't later than it."""
    wanted = iter(indices)
    index = next(wanted, None)
    start = video.timestamps[indices[0]]
    last: VideoFrame | None = None
    found = False
    for timestamp, picture in pictures:
        while index is not None and video.timestamps[index] < timestamp:
            yield index, picture if last is None else last
            index = next(wanted, None)
        if index is None:
            break
        last = picture
        found = found or timestamp >= start
        if timestamp == video.timestamps[index]:
            yield index, picture
            index = next(wanted, None)
            if index is None:
                return
    if last is None or not found:
        raise BrokenVideo(
            f"None of the frames {indices[0]} to {indices[-1]} can be decoded: the file is damaged."
        )
    while index is not None:
        yield index, last
        index = next(wanted, None)
