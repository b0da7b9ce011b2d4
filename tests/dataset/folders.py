"""Small data sets in the official layouts, for tests."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import scipy.io
from PIL import Image

from tests import videos


def write_davis(
    root: Path,
    lengths: dict[str, int],
    size: tuple[int, int] = (60, 90),
    mask_scale: int = 1,
) -> Path:
    """Write sequences of a bright square moving right, masks `mask_scale` times as large."""
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


def write_davis17(root: Path, lengths: dict[str, int], size: tuple[int, int] = (60, 90)) -> Path:
    """Write sequences of two squares that move apart, numbered 3 and 1; `size` is H and W."""
    for name, length in lengths.items():
        for index in range(length):
            numbers = np.zeros(size, np.uint8)
            numbers[20:40, 20 - index : 40 - index] = 3
            numbers[20:40, 50 + index : 70 + index] = 1
            frame = np.random.default_rng(3).integers(0, 90, (*size, 3), dtype=np.uint8)
            frame[numbers > 0] += 120
            palette = Image.fromarray(numbers)
            palette.putpalette(np.random.default_rng(3).integers(0, 256, 768).tolist())
            for kind, picture, end in (
                ("JPEGImages", Image.fromarray(frame), "jpg"),
                ("Annotations_unsupervised", palette, "png"),
            ):
                path = root / kind / "480p" / name / f"{index:05d}.{end}"
                path.parent.mkdir(parents=True, exist_ok=True)
                picture.save(path)
    listing = root / "ImageSets" / "2017" / "val.txt"
    listing.parent.mkdir(parents=True, exist_ok=True)
    listing.write_text("".join(f"{name}\n" for name in lengths))
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


def write_segtrack(root: Path, lengths: dict[str, int], objects: int = 2) -> Path:
    """Write sequences of 60x90 with discs, each object's masks in a folder of its own.

    One object's masks lie right in the sequence's folder, as in the release; masks are grey in
    colour files with soft borders, and other files lie about.
    """
    rows, columns = np.indices((60, 90))
    for name, length in lengths.items():
        for index in range(length):
            frame = np.random.default_rng(3).integers(0, 90, (60, 90, 3), dtype=np.uint8)
            stem = f"{name}_{index:05d}"
            for number in range(objects):
                mask = np.hypot(rows - 30, columns - 20 - 40 * number - index) < 12
                frame[mask] += 120
                truth = root / "GroundTruth" / name
                folder = truth / str(number + 1) if objects > 1 else truth
                folder.mkdir(parents=True, exist_ok=True)
                soft = cv2.blur(mask.astype(np.uint8) * 255, (3, 3))
                Image.fromarray(soft).convert("RGB").save(folder / f"{stem}.png")
            pictures = root / "JPEGImages" / name
            pictures.mkdir(parents=True, exist_ok=True)
            (pictures / "Thumbs.db").write_bytes(b"not a picture")
            Image.fromarray(frame).save(pictures / f"{stem}.bmp")
    return root


def write_jhmdb(
    root: Path,
    clips: Mapping[str, Sequence[str]],
    *,
    length: int = 9,
    masks: int = 8,
    ending: str = ".avi",
) -> Path:
    """Write clips of a red square that moves to the right, fewer masks than frames.

    Every second clip of an action is in the test part of split 1; no `ending` writes folders of
    pictures.
    """
    (root / "splits").mkdir(parents=True, exist_ok=True)
    for action, names in clips.items():
        lines = [f"{name}.avi {1 + index % 2}" for index, name in enumerate(names)]
        (root / "splits" / f"{action}_test_split1.txt").write_text("\n".join(lines) + " \n")
        for name in names:
            pictures = [videos.picture(index) for index in range(length)]
            parts = np.zeros((64, 96, masks), np.float64)
            for index in range(masks):
                parts[(*videos.square(index), index)] = 3
            file = root / "puppet_mask" / action / name / "puppet_mask.mat"
            file.parent.mkdir(parents=True)
            scipy.io.savemat(file, {"part_mask": parts})
            if ending:
                path = root / "ReCompress_Videos" / action / f"{name}{ending}"
                path.parent.mkdir(parents=True, exist_ok=True)
                videos.write_video(path, pictures, options={"crf": "10", "bf": "0"})
                continue
            folder = root / "Rename_Images" / action / name
            folder.mkdir(parents=True)
            for number, pixels in enumerate(pictures, start=1):
                Image.fromarray(pixels).save(folder / f"{number:05d}.png")
    return root
