"""Frames of a video file: listing them once, then decoding any range of them."""

from bisect import bisect_left
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BrokenVideo, SelectionError
from pipeline.media.clock import repaired
from pipeline.media.container import check_pixels, open_media
from pipeline.media.listing import (
    NO_TIME,
    Listing,
    check_duration,
    list_packets,
    mean_fps,
    rate_of,
)
from pipeline.media.proof import agrees, decode_first, decode_whole, seeks
from pipeline.media.reader import FrameReader
from pipeline.values import Frame, ScannedVideo, Timestamps, VideoInfo, VideoLimits

# Up to so many pixels a video is decoded whole to prove its listing: a fraction of a second.
_CHEAP_PIXELS = 2**27

Slow = Callable[[float], None]
"""Is told that all of a video must be decoded to list it, and of how many seconds it is."""


@dataclass(frozen=True)
class _Frames:
    """The frames of a video, as in `ScannedVideo`."""

    timestamps: NDArray[np.int64]
    time_base: Fraction
    starts: NDArray[np.int64]
    numbers: NDArray[np.int64] | None
    last_duration: int = 0
    clock: Timestamps = "stored"


def scan(path: Path, limits: VideoLimits, slow: Slow = lambda _: None) -> ScannedVideo:
    """List the frames of an untrusted file, decoding no more of a long one than proves the list.

    Where timestamps are missing, doubled, jump or are contradicted by what decodes, all is decoded,
    and frames listed in that order. Raises NotAVideo, NoVideoStream, BrokenVideo, VideoTooLarge.
    """
    with open_media(path, limits.max_pixels) as (container, stream):
        check_pixels(stream.width, stream.height, limits.max_pixels)
        listing = list_packets(path, container, stream, limits)
        codec = stream.codec_context.codec.name
        rate = rate_of(stream)
    first = decode_first(path, limits, codec)
    frames = _as_stored(path, limits, listing, first.timestamps)
    count = int(listing.shows.sum())
    if frames is None or count * first.width * first.height <= _CHEAP_PIXELS:
        if frames is None:
            slow(float(count / rate))
        decoded = decode_whole(path, limits, count)
        pts = listing.pts[decoded.numbers].tolist()
        if frames is None or not agrees(pts, frames.timestamps, damaged=decoded.damaged):
            frames = _as_decoded(listing, decoded.with_failed(listing), rate)
    fps = mean_fps(frames.timestamps, frames.time_base, rate)
    times = frames.timestamps
    last_s = frames.last_duration * frames.time_base or 1 / fps
    duration_s = float((int(times[-1]) - int(times[0])) * frames.time_base + last_s)
    check_duration(duration_s, limits)
    info = VideoInfo(
        width=first.width,
        height=first.height,
        frame_count=len(times),
        fps=fps,
        duration_s=duration_s,
        rotation=first.orientation.rotation,
        mirrored=first.orientation.mirrored,
        pixel_aspect=first.pixel_aspect,
        codec=codec,
        timestamps=frames.clock,
    )
    return ScannedVideo(
        info=info,
        timestamps=times,
        time_base=frames.time_base,
        starts=frames.starts,
        numbers=frames.numbers,
        max_pixels=limits.max_pixels,
    )


def _as_stored(
    path: Path, limits: VideoLimits, listing: Listing, first: Sequence[int | None]
) -> _Frames | None:
    """List frames by the container's timestamps; None where these can't be believed."""
    # A recording that starts between keyframes shows nothing before the first one.
    timestamps = listing.timestamps[listing.timestamps >= (first[0] or 0)]
    if not (listing.plausible and agrees(first, timestamps)):
        return None
    if listing.placed and not seeks(path, limits, listing, timestamps):
        return None
    starts = np.searchsorted(timestamps, listing.pts[listing.shows & listing.key])
    return _Frames(
        timestamps,
        listing.time_base,
        np.union1d([0], starts[starts < len(timestamps)]),
        numbers=None if listing.placed else listing.numbers[-len(timestamps) :],
        last_duration=listing.last_duration,
    )


def _as_decoded(listing: Listing, numbers: NDArray[np.int64], rate: Fraction) -> _Frames:
    """List frames in the order in which they decode."""
    starts = np.union1d([0], np.flatnonzero(listing.key[numbers]))
    pts = listing.pts[numbers]
    if listing.rate_only:
        # The n-th picture is shown when the n-th packet is due, of those that aren't empty.
        due = np.sort(listing.dts[numbers])
        if due[0] != NO_TIME and (np.diff(due) > 0).all():
            # Beside an empty packet, it isn't known which of those that are reordered it was.
            moved = (np.diff(due) > 1).any() and (np.diff(numbers) < 0).any()
            clock: Timestamps = "repaired" if moved else "stored"
            return _Frames(due, listing.time_base, starts, numbers, clock=clock)
        return _Frames(np.arange(len(pts), dtype=np.int64), 1 / rate, starts, numbers)
    if (pts != NO_TIME).all() and (np.diff(pts) > 0).all() and not listing.jumps:
        return _Frames(pts, listing.time_base, starts, numbers)
    if (pts == NO_TIME).all():
        times, time_base = np.arange(len(pts), dtype=np.int64), 1 / rate
    else:
        times, time_base = (
            repaired(pts, listing.time_base, rate, joined=listing.joined),
            listing.time_base,
        )
    return _Frames(times, time_base, starts, numbers, clock="repaired")


def select(video: ScannedVideo, start_s: float | None, end_s: float | None, every: int) -> range:
    """Choose the frames that appear from `start_s` until before `end_s`, each `every`-th.

    Where none does, it is the one on screen meanwhile. Times count in microseconds, as results give
    them. Raises SelectionError: no frame lies there, or `every` is below 1.
    """
    if every < 1:
        raise SelectionError(f"every must be at least 1, got {every}.")
    count = video.info.frame_count

    def first_from(time_s: float) -> int:
        return bisect_left(range(count), round(time_s, 6), key=lambda i: round(video.time_s(i), 6))

    start = 0 if start_s is None else first_from(start_s)
    stop = count if end_s is None else first_from(end_s)
    if start == stop > 0 and _is_within(video, start_s, end_s):
        start -= 1
    if start >= stop:
        raise SelectionError(
            f"start_s and end_s must be a range that holds a frame, got {start_s} and {end_s}; the "
            f"video's {count} frames are shown from 0 to {video.time_s(count - 1):.3f} s."
        )
    return range(start, stop, every)


def _is_within(video: ScannedVideo, start_s: float | None, end_s: float | None) -> bool:
    """Tell whether a range holds some time at which the video is shown."""
    end_s = video.info.duration_s if end_s is None else min(end_s, video.info.duration_s)
    return start_s is not None and 0 <= start_s < end_s


def decode(path: Path, video: ScannedVideo, indices: Sequence[int]) -> Generator[Frame, None, None]:
    """Decode some frames with a `FrameReader` of their own: see its `frames`."""
    with closing(FrameReader(path, video)) as reader:
        yield from reader.frames(indices)


def scan_to_dict(video: ScannedVideo) -> dict[str, Any]:
    """Return a scan as values that JSON has."""
    info = asdict(video.info)
    info |= {"fps": str(video.info.fps), "pixel_aspect": str(video.info.pixel_aspect)}
    return {
        "info": info,
        "timestamps": video.timestamps.tolist(),
        "time_base": str(video.time_base),
        "starts": video.starts.tolist(),
        "numbers": None if video.numbers is None else video.numbers.tolist(),
        "max_pixels": video.max_pixels,
    }


def scan_from_dict(saved: Mapping[str, Any]) -> ScannedVideo:
    info = saved["info"]
    fractions = {name: Fraction(info[name]) for name in ("fps", "pixel_aspect")}
    numbers = saved.get("numbers")
    if not saved.get("seekable", True):
        raise BrokenVideo(
            "An older version listed the frames of this video by counting: send it again."
        )
    return ScannedVideo(
        info=VideoInfo(**(info | fractions)),
        timestamps=np.asanyarray(saved["timestamps"], np.int64),
        time_base=Fraction(saved["time_base"]),
        starts=np.asanyarray(saved.get("starts", [0]), np.int64),
        numbers=None if numbers is None else np.asanyarray(numbers, np.int64),
        max_pixels=saved.get("max_pixels", 4 * info["width"] * info["height"]),
    )
