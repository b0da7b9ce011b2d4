"""DAVIS: a picture a frame whose colours are the objects, as the benchmark's annotations are.

Source: https://davischallenge.org (indexed PNG files of 8 bits, the palette of PASCAL VOC).
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from formats.archive import write_archive
from formats.footage import Footage
from formats.result import Result, ResultFrame
from pipeline.objects import rle

MOST_TRACKS = 255  # 0 is the background


def davis(result: Result, footage: Footage, to: Path) -> None:  # noqa: ARG001 - needs no pictures
    """Write a PNG a frame; a pixel's value is its track's id, which is at most `MOST_TRACKS`."""
    write_archive(_members(result), to)


def palette() -> NDArray[np.uint8]:
    """Return PASCAL VOC's palette, (256, 3) uint8, RGB: a number's bits spread over the colours.

    >>> palette()[[0, 1, 2, 3]].tolist()
    [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]
    """
    numbers = np.arange(256)
    colours = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= ((numbers >> channel & 1) << 7 - bit).astype(np.uint8)
        numbers >>= 3
    return colours


def _members(result: Result) -> Iterator[tuple[str, bytes]]:
    encoder = _png_encoder(result)
    opaque = np.full((256, 1), 255, np.uint8)
    colours = np.concatenate([opaque, palette()], axis=1)  # ARGB, as PyAV has it
    for number, frame in enumerate(result.frames()):
        indexed = (_indices(result, frame), colours)
        picture = VideoFrame.from_ndarray(indexed, format="pal8")  # type: ignore[arg-type] # stub
        picture.pts = number
        name = f"{result.name}/{result.frame_name(frame.index)}.png"
        yield name, b"".join(bytes(packet) for packet in encoder.encode(picture))


def _png_encoder(result: Result) -> VideoCodecContext:
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = result.width, result.height, "pal8"
    encoder.time_base = Fraction(1, 25)
    encoder.thread_count = 1  # with more, a picture comes later than it is asked for
    return encoder


def _indices(result: Result, frame: ResultFrame) -> NDArray[np.uint8]:
    indices = np.zeros((result.height, result.width), np.uint8)
    for found in frame.objects:
        assert found.mask is not None, "the result has no masks"
        indices[rle.decode(found.mask)] = found.track
    return indices
