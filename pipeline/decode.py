"""Frames of a video file: listing them once, then decoding any range of them."""

from bisect import bisect_left
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from pipeline.errors import BrokenVideo, SelectionError
from pipeline.listing import (
    DEFAULT_FPS,
    PROOF_FRAMES,
    check_decodes,
    check_duration,
    check_pixels,
    list_by_decoding,
    list_packets,
    mean_fps,
    rate_of,
    seeks,
)
from pipeline.media import RgbConverter, open_media, pixel_aspect_of, read_frames
from pipeline.orientation import Orientation, orientation_of
from pipeline.values import Frame, ScannedVideo, VideoInfo, VideoLimits

_HIDES_FRAMES = {"vp8"}  # codecs with packets that show nothing and look like all others
# A later picture may be larger than the first one, but not without end.
_GROWTH = 4
_SEEK_BACK_S = (0, 2, 10)


@dataclass(frozen=True)
class _Proof:
    """What the first frames that decode look like.

    Attributes:
        timestamps: of up to `PROOF_FRAMES` frames, as they are shown; None where unknown.
        width: pixels, after rotation.
        height: pixels, after rotation.
        orientation: of the stored pictures.
        pixel_aspect: as in `VideoInfo`.
    """

    timestamps: list[int | None]
    width: int
    height: int
    orientation: Orientation
    pixel_aspect: Fraction


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
        check_pixels(stream.width, stream.height, limits)
        listing = list_packets(container, stream, limits)
        codec = stream.codec_context.codec.name
        time_base = stream.time_base or 1 / DEFAULT_FPS
        rate = rate_of(stream)
    proof = _decode_first(path, limits, codec)
    # A recording that starts between keyframes shows nothing before the first one.
    timestamps = listing.timestamps[listing.timestamps >= (proof.timestamps[0] or 0)]
    last_duration = listing.last_duration
    seekable = (
        listing.complete
        and codec not in _HIDES_FRAMES
        and proof.timestamps == timestamps[:PROOF_FRAMES].tolist()
        and seeks(path, limits, timestamps)
    )
    if not seekable:
        listed = len(timestamps)
        timestamps, time_base = list_by_decoding(path, limits, time_base, rate)
        check_decodes(len(timestamps), listed)
        last_duration = 0
    fps = mean_fps(timestamps, time_base, rate)
    last_s = last_duration * time_base or 1 / fps
    duration_s = float((int(timestamps[-1]) - int(timestamps[0])) * time_base + last_s)
    check_duration(duration_s, limits)
    info = VideoInfo(
        width=proof.width,
        height=proof.height,
        frame_count=len(timestamps),
        fps=fps,
        duration_s=duration_s,
        rotation=proof.orientation.rotation,
        mirrored=proof.orientation.mirrored,
        pixel_aspect=proof.pixel_aspect,
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


def decode(path: Path, video: ScannedVideo, indices: Sequence[int]) -> Generator[Frame, None, None]:
    """Decode some frames; a frame's pixels don't depend on which others are wanted.

    A frame that can't be decoded shows the last picture before it, as players do. A frame of
    another size than the first one is scaled to it. Transparent pixels are seen over black.

    Args:
        path: of the file that was scanned.
        video: what the scan found.
        indices: source frames wanted, rising.

    Yields:
        Exactly the frames of `indices`, in order.

    Raises:
        BrokenVideo: none of the wanted frames can be decoded.
        ValueError: the indices don't rise or aren't within the video.
    """
    info = video.info
    if len(indices) == 0:
        return
    rising = all(before < after for before, after in pairwise(indices))
    if not rising or indices[0] < 0 or indices[-1] >= info.frame_count:
        raise ValueError(
            f"Got frames {indices[0]} to {indices[-1]}, wanted rising ones within 0 to "
            f"{info.frame_count}."
        )
    orientation = Orientation(info.rotation, info.mirrored)
    to_rgb = RgbConverter(info.height, info.width, orientation)
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


def scan_to_dict(video: ScannedVideo) -> dict[str, Any]:
    """Return a scan as values that JSON has."""
    info = asdict(video.info)
    info |= {"fps": str(video.info.fps), "pixel_aspect": str(video.info.pixel_aspect)}
    return {
        "info": info,
        "timestamps": video.timestamps.tolist(),
        "time_base": str(video.time_base),
        "seekable": video.seekable,
    }


def scan_from_dict(saved: Mapping[str, Any]) -> ScannedVideo:
    """Return the scan that `scan_to_dict` was given."""
    info = saved["info"]
    fractions = {name: Fraction(info[name]) for name in ("fps", "pixel_aspect")}
    return ScannedVideo(
        info=VideoInfo(**(info | fractions)),
        timestamps=np.asanyarray(saved["timestamps"], np.int64),
        time_base=Fraction(saved["time_base"]),
        seekable=saved["seekable"],
    )


def _decode_first(path: Path, limits: VideoLimits, codec: str) -> _Proof:
    with open_media(path, limits.max_pixels) as (container, stream):
        frames = read_frames(container, stream)
        first = next(frames, None)
        if first is None:
            raise BrokenVideo(
                f"Got a {codec} video of which no frame can be decoded: it is damaged or encrypted."
            )
        check_pixels(first.width, first.height, limits)
        orientation = orientation_of(first)
        width, height = first.width, first.height
        if orientation.swaps_sides:
            width, height = height, width
        return _Proof(
            timestamps=[first.pts, *(frame.pts for frame in islice(frames, PROOF_FRAMES - 1))],
            width=width,
            height=height,
            orientation=orientation,
            pixel_aspect=pixel_aspect_of(stream, orientation),
        )


def _starting_points(video: ScannedVideo, index: int) -> Iterator[int | None]:
    """Suggest where to start decoding for a frame, nearest first; None is the file's start."""
    if video.seekable and index > PROOF_FRAMES:
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
    pictures: Iterator[tuple[int, VideoFrame]], video: ScannedVideo, indices: Sequence[int]
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
