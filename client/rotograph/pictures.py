"""Pictures for notebooks: masks in the colours of their tracks, over the video if it is at hand."""

import colorsys
import io
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Pixels = NDArray[np.uint8]

MOST_FRAMES = 8
COLUMNS = 4
WIDTH = 240
_GOLDEN_RATIO = 0.618
_TINT = 0.6


def png(pixels: Pixels) -> bytes | None:
    """Return a picture (H, W, 3), RGB, as PNG; None where Pillow isn't installed."""
    if not find_spec("PIL"):
        return None
    from PIL import Image  # noqa: PLC0415 - the client does without it

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def tinted(picture: Pixels, masks: Sequence[tuple[int, Mask]]) -> Pixels:
    """Tint a picture (H, W, 3), RGB, where masks (H, W) are, each in its track's colour."""
    pixels = picture.astype(np.float32)
    for track, mask in masks:
        pixels[mask] += _TINT * (_colour(track) - pixels[mask])
    return pixels.astype(np.uint8)


def blank(height: int, width: int) -> Pixels:
    return np.full((height, width, 3), 24, np.uint8)


def chosen(count: int) -> list[int]:
    """Choose the frames of a contact sheet, evenly.

    >>> chosen(3), chosen(15)
    ([0, 1, 2], [0, 2, 4, 6, 8, 10, 12, 14])
    """
    places = np.linspace(0, count - 1, min(count, MOST_FRAMES))
    return [round(place) for place in places]


def sheet(pictures: Sequence[Pixels]) -> Pixels:
    """Arrange pictures of one size in rows, made smaller."""
    step = max(1, round(pictures[0].shape[1] / WIDTH))
    small = [picture[::step, ::step] for picture in pictures]
    columns = min(COLUMNS, len(small))
    small += [np.zeros_like(small[0])] * (-len(small) % columns)
    rows = [np.hstack(small[i : i + columns]) for i in range(0, len(small), columns)]
    return np.vstack(rows)


def stills(
    video: Path, times_s: Sequence[float], rotation: int, mirrored: bool
) -> Iterator[Pixels]:
    """Decode frames at rising times, turned clockwise by degrees; none without PyAV."""
    if not find_spec("av"):
        return
    import av  # noqa: PLC0415 - the client does without it

    with av.open(video) as container:
        stream = container.streams.video[0]
        first = next(container.decode(stream))
        start = first.pts or 0
        for time_s in times_s:
            wanted = start + int(time_s / (stream.time_base or 1))
            container.seek(wanted, stream=stream)
            frames = container.decode(stream)
            found = next((f for f in frames if f.pts is not None and f.pts >= wanted), first)
            pixels = found.to_ndarray(format="rgb24").astype(np.uint8)
            turned = np.rot90(pixels, -rotation // 90)
            yield turned[:, ::-1] if mirrored else turned


def _colour(track: int) -> NDArray[np.float32]:
    hue = track * _GOLDEN_RATIO % 1
    return 255 * np.array(colorsys.hsv_to_rgb(hue, 0.8, 1), np.float32)
