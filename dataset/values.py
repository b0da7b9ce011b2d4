"""What a data set holds: labelled videos and labelled stills, read from disk when asked."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.uint8]
"""A picture (H, W, 3), RGB."""

Mask = NDArray[np.bool_]
"""A mask (H, W), true on the foreground."""

PICTURES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".webp"})
"""Endings of picture files, in lower case; releases hold other files beside them."""


class DatasetError(Exception):
    """A data set isn't laid out as released; all that load or read one raise this."""


class LabelledSequence(Protocol):
    """A video of T frames (H, W, 3) uint8 RGB with a mask (H, W) bool for each, in any files.

    Predicted masks are files of the frames' names, such as `00000`.
    """

    @property
    def name(self) -> str: ...

    @property
    def frame_names(self) -> tuple[str, ...]: ...

    def __len__(self) -> int: ...

    def frame(self, index: int) -> NDArray[np.uint8]: ...

    def mask(self, index: int) -> NDArray[np.bool_]: ...

    def read(self, indices: Sequence[int]) -> tuple[list[Picture], list[Mask]]: ...

    def frames(self) -> Iterator[NDArray[np.uint8]]: ...

    def masks(self) -> Iterator[NDArray[np.bool_]]: ...


@dataclass(frozen=True)
class PictureVideo(ABC):
    """A video as T picture files in order, with masks in some way."""

    name: str
    frame_paths: tuple[Path, ...]

    @property
    def frame_names(self) -> tuple[str, ...]:
        return tuple(path.stem for path in self.frame_paths)

    def __len__(self) -> int:
        return len(self.frame_paths)

    def frame(self, index: int) -> NDArray[np.uint8]:
        return read_picture(self.frame_paths[index])

    @abstractmethod
    def mask(self, index: int) -> NDArray[np.bool_]:
        """Read a frame's mask as (H, W) bool, true on the foreground."""

    def read(self, indices: Sequence[int]) -> tuple[list[Picture], list[Mask]]:
        return [self.frame(i) for i in indices], [self.mask(i) for i in indices]

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        return (self.frame(index) for index in range(len(self)))

    def masks(self) -> Iterator[NDArray[np.bool_]]:
        return (self.mask(index) for index in range(len(self)))


@dataclass(frozen=True)
class LabelledVideo(PictureVideo):
    """A video as picture files with one mask each, of a size that may not be the pictures'."""

    mask_paths: tuple[Path, ...]

    def mask(self, index: int) -> NDArray[np.bool_]:
        return read_mask(self.mask_paths[index])


@dataclass(frozen=True)
class LabelledStill:
    """A picture with one mask."""

    name: str
    picture_path: Path
    mask_path: Path

    def picture(self) -> NDArray[np.uint8]:
        return read_picture(self.picture_path)

    def mask(self) -> NDArray[np.bool_]:
        return read_mask(self.mask_path)


def pictures_in(folder: Path) -> dict[str, Path]:
    """List a folder's picture files by name without ending, sorted; none if it doesn't exist."""
    if not folder.is_dir():
        return {}
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    return {path.stem: path for path in found}


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Read a picture file as (H, W, 3) uint8, RGB; DatasetError if that fails."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if picture is None:
        raise DatasetError(f"{path} must be a picture file that can be read.")
    return np.asarray(picture, dtype=np.uint8)


def read_mask(path: Path) -> NDArray[np.bool_]:
    """Read a mask (H, W) bool of any of the releases' kinds: foreground is whatever isn't 0."""
    mask: NDArray[np.bool_] = read_numbers(path) > 0
    return mask


def read_numbers(path: Path) -> NDArray[Any]:
    """Read a mask (H, W) by the values that number its objects; DatasetError if it holds colours.

    Masks come as 1 bit, as 8-bit grey (0/255 or 0/1), as grey with alpha, and as palette indices,
    whose colours mean nothing here.
    """
    try:
        with Image.open(path) as picture:
            if picture.mode not in {"1", "L", "LA", "P", "I;16", "I"}:
                raise DatasetError(
                    f"A mask must be in mode 1, L, LA or P, got {path} in mode {picture.mode}."
                )
            return np.asarray(picture.getchannel(0) if picture.mode == "LA" else picture)
    except OSError as error:
        raise DatasetError(f"{path} must be a mask file that can be read: {error}.") from error
