"""The sound of a video, encoded beside its pictures."""

from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from itertools import chain

import numpy as np
from av.audio.frame import AudioFrame
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from numpy.typing import NDArray

from formats.footage import Footage
from pipeline.media.sound import CHANNELS, RATE, Sound

_BITS_A_SECOND = 160_000
# Containers round times to a millisecond or more: what is less than this apart isn't.
_TOLERANCE = RATE // 10


def soundtrack(
    footage: Footage, to: OutputContainer, start_s: float, stop_s: float | None
) -> "Iterator[Packet[Stream]]":
    """Add a video's sound to a file as AAC, `start_s` becoming 0; return its packets."""
    start = round(start_s * RATE)
    stop = None if stop_s is None else round(stop_s * RATE)
    parts = _joined(_cut(footage, start, stop))
    first = next(parts, None)
    if first is None:
        return iter(())
    stream = to.add_stream("aac", rate=RATE, layout="stereo")
    stream.bit_rate = _BITS_A_SECOND
    return (
        packet
        for part in chain([first], parts, [None])
        for packet in stream.encode(None if part is None else _frame(part))
    )


def _cut(footage: Footage, start: int, stop: int | None) -> Iterator[Sound]:
    with closing(footage.sound()) as parts:
        for part in parts:
            if stop is not None and part.start >= stop:
                return
            first = max(0, start - part.start)
            samples = part.samples[first : None if stop is None else stop - part.start]
            if len(samples):
                yield Sound(part.start + first - start, samples)


def _joined(parts: Iterator[Sound]) -> Iterator[Sound]:
    """Fill gaps with silence and leave out what overlaps, so that each part follows the last."""
    at: int | None = None
    for part in parts:
        if at is None:
            at = part.start
        while part.start > at + _TOLERANCE:
            silence: NDArray[np.int16] = np.zeros((min(RATE, part.start - at), CHANNELS), np.int16)
            yield Sound(at, silence)
            at += len(silence)
        overlap = at - part.start if part.start < at - _TOLERANCE else 0
        samples = part.samples[overlap:]
        if len(samples):
            yield Sound(at, samples)
            at += len(samples)


def _frame(part: Sound) -> AudioFrame:
    frame = AudioFrame.from_ndarray(
        np.ascontiguousarray(part.samples).reshape(1, -1), "s16", "stereo"
    )
    frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), part.start
    return frame
