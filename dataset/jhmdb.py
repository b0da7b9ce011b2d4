"""J-HMDB in its official layout: 928 clips of 21 actions, with a mask of the person who acts.

ROOT/ReCompress_Videos/<action>/<clip>.avi (or .mp4), or else
ROOT/Rename_Images/<action>/<clip>/00001.png
ROOT/puppet_mask/<action>/<clip>/puppet_mask.mat, key part_mask: (H, W, T), 0 is background
ROOT/splits/<action>_test_split<1, 2, 3>.txt, lines "<clip>.avi 1": 1 is train, 2 is test

Source: Jhuang et al., "Towards Understanding Action Recognition", ICCV 2013.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import scipy.io
from numpy.typing import NDArray

from dataset.values import DatasetError, Mask, Picture, pictures_in, read_picture
from pipeline.errors import VideoError
from pipeline.media.decode import decode, scan
from pipeline.values import ScannedVideo, VideoLimits

Subset = Literal["train", "test"]

SPLITS = (1, 2, 3)
KEY = "part_mask"

_VIDEOS = (".avi", ".mp4")
_SUBSET_OF = {"1": "train", "2": "test"}
# The clips are 15 to 40 frames of 320x240; these only stop what can't be one of them.
_LIMITS = VideoLimits(max_pixels=4096 * 2304, max_frames=10_000, max_duration_s=3600)


@dataclass(frozen=True)
class ActionClip:
    """The labelled frames of a clip: some clips go on a little after their last mask."""

    name: str
    action: str
    source: Path
    masks_path: Path

    @property
    def film(self) -> str:
        """The film that the clip was cut from, by its name; clips of one film look alike."""
        return self.name.partition(f"_{self.action}_")[0].rstrip("_0123456789")

    @property
    def frame_names(self) -> tuple[str, ...]:
        """T names as the release gives its pictures: `00001` on."""
        return tuple(f"{number:05d}" for number in range(1, len(self) + 1))

    def __len__(self) -> int:
        return self._frame_count

    def frame(self, index: int) -> NDArray[np.uint8]:
        return next(self._read(range(index, index + 1)))

    def mask(self, index: int) -> NDArray[np.bool_]:
        mask: NDArray[np.bool_] = read_part_mask(self.masks_path)[index]
        return mask

    def read(self, indices: Sequence[int]) -> tuple[list[Picture], list[Mask]]:
        first, last = min(indices), max(indices)
        frames = list(self._read(range(first, last + 1)))
        masks = read_part_mask(self.masks_path)
        return [frames[i - first] for i in indices], [masks[i] for i in indices]

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        return self._read(range(len(self)))

    def masks(self) -> Iterator[NDArray[np.bool_]]:
        return iter(read_part_mask(self.masks_path))

    def boxes(self) -> list[tuple[int, int, int, int] | None]:
        """Return the T masks' tight boxes, as `tight_box`."""
        return [tight_box(mask) for mask in self.masks()]

    def count_source_frames(self) -> int:
        """Count the frames of the video file or folder, with or without a mask."""
        if self.source.is_dir():
            return len(self._pictures)
        try:
            return self._scanned.info.frame_count
        except VideoError as error:
            raise DatasetError(f"{self.source} must be a video: {error}") from error

    @cached_property
    def _frame_count(self) -> int:
        return part_mask_shape(self.masks_path)[2]

    @cached_property
    def _pictures(self) -> tuple[Path, ...]:
        return tuple(pictures_in(self.source).values())

    @cached_property
    def _scanned(self) -> ScannedVideo:
        return scan(self.source, _LIMITS)

    def _read(self, indices: range) -> Iterator[NDArray[np.uint8]]:
        count = self.count_source_frames()
        if indices.stop > count:
            raise DatasetError(
                f"{self.source} must have at least {indices.stop} frames, got {count}: "
                f"{self.masks_path} holds {len(self)} masks."
            )
        if self.source.is_dir():
            yield from (read_picture(self._pictures[index]) for index in indices)
            return
        try:
            yield from (frame.pixels for frame in decode(self.source, self._scanned, indices))
        except VideoError as error:
            raise DatasetError(f"{self.source} must be a video: {error}") from error


def load(root: Path, split: int, subset: Subset) -> list[ActionClip]:
    """List the clips of one part of a split, by action and then in the order of its file."""
    clips = [
        ActionClip(name, action, find_source(root, action, name), mask_file(root, action, name))
        for action, name, part in read_split(root, split)
        if part == subset
    ]
    if not clips:
        raise DatasetError(f"There is no clip of split {split} for {subset} in {root / 'splits'}.")
    missing = [clip.masks_path for clip in clips if not clip.masks_path.is_file()]
    if missing:
        raise DatasetError(f"{len(missing)} clips have no masks, first {missing[0]} is missing.")
    return clips


def read_split(root: Path, split: int) -> list[tuple[str, str, str]]:
    """Read a split's files: action, clip without ending, and `train`, `test` or `none`."""
    files = sorted((root / "splits").glob(f"*_test_split{split}.txt"))
    if not files:
        raise DatasetError(f"J-HMDB must hold splits/<action>_test_split{split}.txt, got {root}.")
    listed = []
    for file in files:
        action = file.name.removesuffix(f"_test_split{split}.txt")
        for number, line in enumerate(file.read_text().splitlines(), start=1):
            if not line.strip():
                continue
            clip, _, part = line.strip().rpartition(" ")
            if not clip or not part.isdigit():
                raise DatasetError(
                    f"Line {number} of {file} must be a clip and a number, got {line!r}."
                )
            listed.append((action, Path(clip.strip()).stem, _SUBSET_OF.get(part, "none")))
    return listed


def find_source(root: Path, action: str, clip: str) -> Path:
    """Find a clip's video file, or else its folder of pictures."""
    videos = [root / "ReCompress_Videos" / action / f"{clip}{ending}" for ending in _VIDEOS]
    for video in videos:
        if video.is_file():
            return video
    pictures = root / "Rename_Images" / action / clip
    if pictures.is_dir():
        return pictures
    raise DatasetError(
        f"Clip {clip} is missing: it must be {videos[0]}, .mp4 in its place, or {pictures}/."
    )


def mask_file(root: Path, action: str, clip: str) -> Path:
    return root / "puppet_mask" / action / clip / "puppet_mask.mat"


def part_mask_shape(path: Path) -> tuple[int, int, int]:
    """Read the shape of a file of masks, H, W and T, without the masks."""
    try:
        shapes = {name: shape for name, shape, _ in scipy.io.whosmat(path)}
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} must be a MATLAB file of masks: {error}.") from error
    shape = shapes.get(KEY)
    if shape is None:
        raise DatasetError(f"{path} must hold {KEY}, got {sorted(shapes)}.")
    if len(shape) not in {2, 3}:
        raise DatasetError(f"{KEY} in {path} must be (H, W, T), got {shape}.")
    height, width, count = (*shape, 1)[:3]  # MATLAB drops a last axis of length 1
    return height, width, count


def read_part_mask(path: Path) -> NDArray[np.bool_]:
    """Read a clip's masks, (T, H, W) bool, true on the person."""
    shape = part_mask_shape(path)
    parts = scipy.io.loadmat(path, variable_names=[KEY])[KEY].reshape(shape)
    masks: NDArray[np.bool_] = np.moveaxis(parts > 0, -1, 0)
    return masks


def tight_box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """Return first column, first row, last column, last row of (H, W); None if it is empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])
