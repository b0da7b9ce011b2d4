"""Small data sets in the official layouts, for tests."""

from pathlib import Path

import numpy as np
from PIL import Image


def write_davis(
    root: Path,
    lengths: dict[str, int],
    size: tuple[int, int] = (60, 90),
    mask_scale: int = 1,
) -> Path:
    """Write sequences of a bright square that moves to the right; `size` is H and W.

    Masks are `mask_scale` times as large as frames.
    """
    lines = []
    for name, length in lengths.items():
        for index in range(length):
            mask = np.zeros(size, np.uint8)
            mask[20:40, 10 + 2 * index : 30 + 2 * index] = 255
            frame = np.random.default_rng(3).integers(0, 90, (*size, 3), dtype=np.uint8)
            frame[mask > 0] += 120
            for kind, picture, end in (
                ("JPEGImages", frame, "jpg"),
                ("Annotations", mask.repeat(mask_scale, 0).repeat(mask_scale, 1), "png"),
            ):
                path = root / kind / "480p" / name / f"{index:05d}.{end}"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(picture).save(path)
            lines.append(
                f"/JPEGImages/480p/{name}/{index:05d}.jpg /Annotations/480p/{name}/{index:05d}.png"
            )
    listing = root / "ImageSets" / "480p" / "train.txt"
    listing.parent.mkdir(parents=True, exist_ok=True)
    listing.write_text("\n".join(lines) + "\n")
    return root


def write_stills(root: Path, count: int, size: tuple[int, int] = (64, 80)) -> Path:
    """Write pictures with a bright disc; `size` is H and W."""
    rows, columns = np.indices(size)
    for index in range(count):
        mask = (rows - 30) ** 2 + (columns - 35 - index) ** 2 < 15**2
        picture = np.random.default_rng(index).integers(0, 90, (*size, 3), dtype=np.uint8)
        picture[mask] += 120
        for kind, values in (("images", picture), ("masks", mask)):
            (root / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(values).save(root / kind / f"{index:03d}.png")
    return root
