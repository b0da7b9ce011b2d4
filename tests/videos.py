"""Clips that tests make for themselves, whose every frame says which one it is."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

_BITS = 8


def picture(index: int, height: int = 64, width: int = 96) -> NDArray[np.uint8]:
    """Draw frame `index`: its number as bars in the upper third, a red square moving below."""
    pixels = np.full((height, width, 3), 40, np.uint8)
    bars = [255 if index >> bit & 1 else 0 for bit in range(_BITS)]
    columns = np.arange(width) * _BITS // width
    pixels[: height // 3] = np.array(bars, np.uint8)[columns][:, None]
    pixels[square(index, height, width)] = (230, 20, 20)
    return pixels


def square(index: int, height: int = 64, width: int = 96) -> tuple[slice, slice]:
    """Return where the red square of frame `index` is: rows and columns."""
    side = height // 4
    left = (2 * index) % (width - side)
    return slice(height // 2, height // 2 + side), slice(left, left + side)


def textured(seed: int, height: int = 64, width: int = 96) -> NDArray[np.uint8]:
    """Draw a background of coarse noise, another one for each seed: (H, W, 3) uint8, RGB."""
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height)), np.uint8)


def index_of(pixels: NDArray[np.uint8]) -> int:
    """Read the number of a frame that `picture` drew, also after lossy coding."""
    height, width, _ = pixels.shape
    centres = (np.arange(_BITS) * 2 + 1) * width // (2 * _BITS)
    bars = pixels[height // 6, centres].mean(axis=-1) > 128
    return int((bars << np.arange(_BITS)).sum())


def write_video(
    path: Path,
    pictures: Sequence[NDArray[np.uint8]],
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    rate: Fraction | int = 25,
    times_ms: Sequence[int] | None = None,
    options: dict[str, str] | None = None,
    rotation: int = 0,
    mirrored: bool = False,
    pixel_aspect: Fraction | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write pictures (H, W, 3 or 4) uint8, RGB or RGBA, all of one size.

    `times_ms` are when frames are shown, for a variable rate. A player shall turn the picture
    clockwise by `rotation` degrees, then mirror it left to right if `mirrored`. `options` are the
    encoder's.
    """
    with av.open(str(path), "w", container_options=container_options or {}) as container:
        stream = cast(VideoStream, container.add_stream(codec, rate=rate, options=options or {}))
        height, width, channels = pictures[0].shape
        stream.height, stream.width, stream.pix_fmt = height, width, pix_fmt
        stream.codec_context.thread_count = 1
        if times_ms is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if pixel_aspect is not None:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        if rotation or mirrored:
            stream.set_display_rotation(-rotation, hflip=mirrored)
        for index, pixels in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgba" if channels == 4 else "rgb24")
            frame.pts = index if times_ms is None else times_ms[index]
            frame.time_base = 1 / Fraction(rate) if times_ms is None else Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_damaged(path: Path, damaged: Iterable[int]) -> Path:
    """Write 40 frames, each coded alone, and overwrite some of them."""
    write_video(path, [picture(index) for index in range(40)], codec="png", pix_fmt="rgb24")
    content = bytearray(path.read_bytes())
    starts = [at for at in range(len(content)) if content[at : at + 4] == b"\x89PNG"]
    for index in damaged:
        content[starts[index] : starts[index] + 64] = bytes(64)
    path.write_bytes(content)
    return path


def shifted(path: Path, start_s: float) -> Path:
    """Write a file once more, with a clock that starts at another time."""
    to = path.with_stem(f"{path.stem}-shifted")
    with (
        av.open(str(path)) as source,
        av.open(str(to), "w", options={"muxdelay": "0", "avoid_negative_ts": "0"}) as target,
    ):
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is None or packet.pts is None or packet.time_base is None:
                continue
            packet.pts += round(start_s / packet.time_base)
            packet.dts += round(start_s / packet.time_base)
            packet.stream = stream
            target.mux(packet)
    return to


def with_hole(path: Path, *numbers: int) -> Path:
    """Write a file once more, with packets, by their numbers, that can't be decoded."""
    to = path.with_stem(f"{path.stem}-hole")
    with av.open(str(path)) as source, av.open(str(to), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if packet.dts is None:
                continue
            if number in numbers:
                content = memoryview(packet)
                content[6:60] = bytes([255]) * len(content[6:60])
            packet.stream = stream
            target.mux(packet)
    return to
