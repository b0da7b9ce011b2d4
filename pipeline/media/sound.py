"""The sound of a media file, in one shape whatever it was."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import Stream
from numpy.typing import NDArray

from pipeline.media.container import open_media, read_packets
from pipeline.values import ScannedVideo

RATE = 48_000
CHANNELS = 2
PART_SAMPLES = 2**16  # at most, in one part


@dataclass(frozen=True)
class Sound:
    """Samples (N, CHANNELS) int16, N from 1 to `PART_SAMPLES`, heard from sample `start` on."""

    start: int
    samples: NDArray[np.int16]


def listen(path: Path, video: ScannedVideo) -> Generator[Sound, None, None]:
    """Decode the main sound of a file, leaving out what is damaged; nothing where there is none.

    Parts follow each other but for gaps and overlaps that the file has. Raises VideoError.
    """
    zero_s = int(video.timestamps[0]) * video.time_base
    with open_media(path, video.info.width * video.info.height) as (container, _):
        stream = container.streams.best("audio")
        if not isinstance(stream, AudioStream) or stream.codec_context is None:
            return
        own = (packet for packet in read_packets(container) if packet.stream_index == stream.index)
        frames = (frame for packet in chain(own, [None]) for frame in _decode(stream, packet))
        for frame in _in_one_shape(frames):
            if frame.pts is None or frame.time_base is None:
                continue
            samples = frame.to_ndarray().astype(np.int16, copy=False)
            # One channel is doubled here, since FFmpeg would make it softer.
            samples = samples.reshape(-1, len(frame.layout.channels)).repeat(
                CHANNELS // len(frame.layout.channels), axis=1
            )
            start = round((frame.pts * frame.time_base - zero_s) * RATE)
            for first in range(0, len(samples), PART_SAMPLES):
                yield Sound(start + first, samples[first : first + PART_SAMPLES])


def _decode(stream: AudioStream, packet: "Packet[Stream] | None") -> list[AudioFrame]:
    try:
        return stream.decode(packet)
    except Exception:  # damaged files raise anything, as in `media`
        return []


def _in_one_shape(frames: Iterator[AudioFrame]) -> Iterator[AudioFrame]:
    resampler: AudioResampler | None = None
    shape: tuple[object, ...] = ()
    for frame in frames:
        if resampler is None or shape != (shape := _shape(frame)):
            layout = "mono" if len(frame.layout.channels) == 1 else "stereo"
            resampler = AudioResampler("s16", layout, RATE)  # it takes one shape only
        try:
            yield from resampler.resample(frame)
        except Exception:  # as above
            resampler = None


def _shape(frame: AudioFrame) -> tuple[object, ...]:
    return frame.format.name, frame.layout.name, frame.sample_rate
