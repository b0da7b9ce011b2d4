"""SegTrack-v2 in its official layout, the objects of a sequence united into one foreground.

ROOT/JPEGImages/<sequence>/<frame>.png (or .bmp, .jpg)
ROOT/GroundTruth/<sequence>/<frame>.png, or one folder for each object where there are several:
ROOT/GroundTruth/<sequence>/<1, 2 ...>/<frame>.png

Frames and masks of one name belong together; their endings differ here and there.

Source: Li et al., "Video Segmentation by Tracking Many Figure-Ground Segments", ICCV 2013.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dataset.values import DatasetError, PictureVideo, pictures_in


@dataclass(frozen=True)
class UnitedVideo(PictureVideo):
    """A video as picture files with one mask for each object in each frame."""

    mask_paths: tuple[tuple[Path, ...], ...]

    def mask(self, index: int) -> NDArray[np.bool_]:
        objects = [read_object(path) for path in self.mask_paths[index]]
        sizes = {mask.shape for mask in objects}
        if len(sizes) > 1:
            raise DatasetError(
                f"The masks of frame {self.frame_names[index]} of {self.name} must be of one size, "
                f"got {sorted(sizes)}."
            )
        united: NDArray[np.bool_] = np.any(objects, axis=0)
        return united


def load(root: Path) -> list[UnitedVideo]:
    for part in ("JPEGImages", "GroundTruth"):
        if not (root / part).is_dir():
            raise DatasetError(f"SegTrack-v2 must hold {part}/, got {root}.")
    folders = sorted(path for path in (root / "JPEGImages").iterdir() if path.is_dir())
    if not folders:
        raise DatasetError(f"There are no sequences in {root / 'JPEGImages'}.")
    return [_sequence(folder, root / "GroundTruth" / folder.name) for folder in folders]


def read_object(path: Path) -> NDArray[np.bool_]:
    """Read one object's mask (H, W), which the release keeps as grey in a colour file.

    Borders are soft in some files: foreground is what is nearer to the brightest value than to 0,
    so that files of 0 and 1 are read as well as those of 0 and 255.
    """
    values = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if values is None:
        raise DatasetError(f"{path} must be a mask file that can be read.")
    mask: NDArray[np.bool_] = values > int(values.max()) // 2
    return mask


def object_folders(truth: Path) -> list[Path]:
    """List the folders that hold a sequence's masks: one for each object, or `truth` itself."""
    if not truth.is_dir():
        return []
    return sorted(path for path in truth.iterdir() if path.is_dir()) or [truth]


def _sequence(folder: Path, truth: Path) -> UnitedVideo:
    frames = pictures_in(folder)
    if not frames:
        raise DatasetError(f"There are no pictures in {folder}.")
    objects = object_folders(truth)
    if not objects:
        raise DatasetError(f"Sequence {folder.name} has frames but no masks: {truth} is missing.")
    masks = {path: pictures_in(path) for path in objects}
    lacking = [f"{path}/{name}" for path in objects for name in frames if name not in masks[path]]
    if lacking:
        raise DatasetError(
            f"{len(lacking)} masks of sequence {folder.name} are missing, first {lacking[0]}."
        )
    return UnitedVideo(
        folder.name,
        tuple(frames.values()),
        tuple(tuple(masks[path][name] for path in objects) for name in frames),
    )
