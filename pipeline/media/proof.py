"""Decoding some frames of a file, or all, to prove what its packets say."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from pipeline.errors import BrokenVideo
from pipeline.media.container import (
    THREADS,
    open_media,
    pixel_aspect_of,
    read_frames,
    read_numbered,
)
from pipeline.media.listing import NO_TIME, REORDERED, Listing, check_count
from pipeline.media.orientation import Orientation, orientation_of
from pipeline.media.transparency import is_transparent
from pipeline.values import VideoLimits

PROOF_FRAMES = 10  # decoded where a listing is proved
_MOST_PROOF_FRAMES = 300  # where they start far ahead


@dataclass(frozen=True)
class FirstFrames:
    """Timestamps of up to `PROOF_FRAMES` frames, and what the first looks like as it is shown."""

    timestamps: list[int | None]
    width: int
    height: int
    orientation: Orientation
    pixel_aspect: Fraction


@dataclass(frozen=True)
class Decoded:
    """What became of a file's packets, counted from 0."""

    numbers: NDArray[np.int64]  # (T,), of each picture, in the order in which they are shown
    failed: NDArray[np.int64]  # (F,), those that can't be decoded; with threads, about them
    whole: int  # pictures that the decoder calls whole

    @property
    def damaged(self) -> bool:
        return len(self.failed) > 0 or self.whole < len(self.numbers)

    def with_failed(self, listing: Listing) -> NDArray[np.int64]:
        """Return `numbers` with those between that should have shown a picture and failed."""
        when = listing.pts
        if listing.rate_only or (when == NO_TIME).any():
            when = np.arange(len(when))
        ranks = np.full(len(when), -1)
        ranks[self.numbers] = np.arange(len(self.numbers))
        reached = np.maximum.accumulate(ranks)
        lost = np.unique(self.failed[self.failed >= 0])
        lost = lost[listing.shows[lost] & (ranks[lost] < 0) & (reached[lost] >= 0)]
        places = np.empty(len(lost))
        for at, number in enumerate(lost.tolist()):
            near = slice(max(number - REORDERED, 0), number + REORDERED + 1)
            later = ranks[near][(when[near] > when[number]) & (ranks[near] >= 0)]
            places[at] = later.min() - 0.5 if len(later) else reached[number] + 0.5
        order = np.argsort(np.concatenate([np.arange(len(self.numbers)), places]), kind="stable")
        return np.concatenate([self.numbers, lost])[order]


def decode_first(path: Path, limits: VideoLimits, codec: str) -> FirstFrames:
    """Decode the first frames; raises BrokenVideo where there are none, or VideoTooLarge."""
    with open_media(path, limits.max_pixels) as (container, stream):
        frames = read_frames(container, stream, limits.max_pixels)
        first = next(frames, None)
        if first is None:
            raise BrokenVideo(
                f"No frame of the {codec} video can be decoded: it is damaged or encrypted."
            )
        orientation = _orientation(path, limits, stream, first)
        width, height = first.width, first.height
        if orientation.swaps_sides:
            width, height = height, width
        return FirstFrames(
            timestamps=[first.pts, *(frame.pts for frame in islice(frames, PROOF_FRAMES - 1))],
            width=width,
            height=height,
            orientation=orientation,
            pixel_aspect=pixel_aspect_of(stream, orientation),
        )


def _orientation(
    path: Path, limits: VideoLimits, stream: VideoStream, first: VideoFrame
) -> Orientation:
    """Read it from what FFmpeg's own decoder gives, which alone knows what the container says."""
    if not is_transparent(stream):
        return orientation_of(first) or Orientation()
    with open_media(path, limits.max_pixels) as (container, again):
        frames = read_frames(container, again, limits.max_pixels, decoder=again.codec_context)
        return orientation_of(next(frames, first)) or Orientation()


def agrees(
    shown: Sequence[int | None], timestamps: NDArray[np.int64], *, damaged: bool = False
) -> bool:
    """Tell whether frames that were decoded one after the other are some that are listed.

    Damage may leave some out, but not half: then there are packets that show nothing. After it,
    decoders don't always know the order of the others.
    """
    if not shown or None in shown:
        return False
    times = np.array(shown, np.int64)
    if damaged:
        times = np.unique(np.maximum.accumulate(times))
    places = np.searchsorted(timestamps, times)
    found = places < len(timestamps)
    return bool(
        found.all()
        and (timestamps[places] == times).all()
        and (np.diff(places) > 0).all()
        and places[-1] - places[0] + 1 < 2 * len(times)
    )


def seeks(path: Path, limits: VideoLimits, listing: Listing, timestamps: NDArray[np.int64]) -> bool:
    """Tell whether frames have the timestamps listed after seeking.

    Tried in the middle, and where a frame is shown longest after or before it is decoded.
    """
    if len(timestamps) <= PROOF_FRAMES:
        return True  # never worth seeking
    middle = int(timestamps[len(timestamps) // 2])
    known = np.flatnonzero(listing.shows & (listing.dts != NO_TIME))[PROOF_FRAMES:]
    delays = listing.pts[known] - listing.dts[known]
    odd = {int(known[place(delays)]) for place in (np.argmin, np.argmax)} if len(known) else set()
    return _seeks_to(path, limits, timestamps, middle) and all(
        _seeks_to(path, limits, timestamps, int(listing.dts[number]), past=True) for number in odd
    )


def _seeks_to(
    path: Path,
    limits: VideoLimits,
    timestamps: NDArray[np.int64],
    seek_to: int,
    *,
    past: bool = False,
) -> bool:
    """Prove the first frames after a seek, or all until some past the place sought."""
    shown: list[int | None] = []
    left = 2 * PROOF_FRAMES if past else PROOF_FRAMES
    damaged: list[object] = []  # one for each that is, and each that is missing
    with open_media(path, limits.max_pixels) as (container, stream):
        for frame in islice(
            read_frames(container, stream, limits.max_pixels, seek_to, failed=damaged.append),
            _MOST_PROOF_FRAMES,
        ):
            shown.append(frame.pts)
            if frame.is_corrupt:
                damaged.append(None)
            left -= not past or frame.pts is None or frame.pts >= seek_to
            if left == 0:
                break
    # Where there is no later start, decoding goes on from further ahead.
    return not shown or agrees(shown, timestamps, damaged=len(damaged) > 0)


def decode_whole(path: Path, limits: VideoLimits, listed: int) -> Decoded:
    """Decode all frames, and return the number of the packet that each was in.

    Raises VideoTooLarge, or BrokenVideo: less than a third of those listed is whole; hidden frames
    and fields stored apart account for up to half.
    """
    decoded = _decode_whole(path, limits, THREADS)
    if len(decoded.failed):
        decoded = _decode_whole(path, limits, threads=1)
    if 3 * decoded.whole < listed:
        raise BrokenVideo(
            f"The file is damaged: {decoded.whole} of its {listed} frames can be decoded."
        )
    return decoded


def _decode_whole(path: Path, limits: VideoLimits, threads: int) -> Decoded:
    numbers: list[int] = []
    failed: list[int] = []
    whole = 0

    def note(packet: "Packet[Stream] | None") -> None:
        failed.append(-1 if packet is None or packet.pts is None else packet.pts)

    with open_media(path, limits.max_pixels, threads=threads) as (container, stream):
        for number, frame in read_numbered(container, stream, limits.max_pixels, failed=note):
            numbers.append(number)
            whole += not frame.is_corrupt
            check_count(len(numbers), limits)
    return Decoded(np.array(numbers, np.int64), np.array(failed, np.int64), whole)
