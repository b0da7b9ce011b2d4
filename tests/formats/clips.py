"""Clips with sound that tests make for themselves, and the sound of a file."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

RATE = 48000


def chirp(duration_s: float) -> NDArray[np.float32]:
    """Draw a tone that rises, so that no two moments of it sound the same."""
    time_s = np.arange(round(duration_s * RATE)) / RATE
    tone: NDArray[np.float32] = (0.5 * np.sin(2 * np.pi * (200 + 300 * time_s) * time_s)).astype(
        np.float32
    )
    return tone


def write_with_sound(
    path: Path,
    pictures: Sequence[NDArray[np.uint8]],
    times_ms: Sequence[int],
    codec: str,
    samples: NDArray[np.float32],
) -> Path:
    """Write pictures (H, W, 3) uint8 at their own times, and mono sound of 48 kHz, -1 to 1."""
    with av.open(str(path), "w") as container:
        # Frames in the order they are shown in: else MP4 loses how long the last one is.
        video = container.add_stream("libx264", rate=25, options={"bf": "0"})
        video.height, video.width, _ = pictures[0].shape
        video.pix_fmt, video.codec_context.time_base = "yuv420p", Fraction(1, 1000)
        sound = cast(AudioStream, container.add_stream(codec, rate=RATE))
        sound.codec_context.layout = "mono"
        for pixels, time_ms in zip(pictures, times_ms, strict=True):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
            container.mux(video.encode(frame))
        for start in range(0, len(samples), 1024):
            part = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], "fltp", "mono")
            part.sample_rate, part.pts, part.time_base = RATE, start, Fraction(1, RATE)
            container.mux(sound.encode(part))
        container.mux(video.encode(None))
        container.mux(sound.encode(None))
    return path


def heard(path: Path) -> NDArray[np.float32]:
    """Decode the first channel from second 0 on, at 48 kHz: (N,) float32, silence for gaps."""
    resampler = av.AudioResampler("fltp", None, RATE)
    sound = np.zeros(0, np.float32)
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            for part in resampler.resample(frame):
                assert part.pts is not None
                assert part.time_base is not None
                start = round(part.pts * part.time_base * RATE)
                samples = part.to_ndarray()[0]
                sound = np.pad(sound, (0, max(0, start + len(samples) - len(sound))))
                sound[max(0, start) : start + len(samples)] = samples[max(0, -start) :]
    return sound
