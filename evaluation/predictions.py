"""Predicted masks: made by the pipeline that is served, kept as and read from PNG files."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import repeat
from pathlib import Path

import cv2
import numpy as np

from dataset.values import LabelledSequence, read_mask
from evaluation.region import Mask
from pipeline.objects import rle
from pipeline.objects.tracks import Tracker, link_all
from pipeline.segmenter import Segmenter
from pipeline.values import Quality, SegmentedFrame

FPS = 24.0
"""Frames a second of sequences of DAVIS, and about those of the others; files don't tell."""


class PredictionError(Exception):
    """A predicted mask is missing or can't belong to its frame; the message says which."""


def segment(
    segmenter: Segmenter,
    sequence: LabelledSequence,
    quality: Quality = "fast",
    actions: list[Mapping[str, float]] | None = None,
) -> Iterator[Mask]:
    """Yield masks (H, W) bool of a sequence, as the service does with `instances=primary`.

    When all are there, `actions` gets the log-probabilities of each frame's largest part, empty
    where there is none.
    """
    height, width, _ = sequence.frame(0).shape
    rows, columns = sequence.mask(0).shape

    found = segmenter.find(
        sequence.frames(),
        len(sequence),
        size=(height, width),
        fps=FPS,
        mask_size=(rows, columns),
        quality=quality,
        actions=actions is not None,
    )
    told: list[Mapping[str, float]] = []

    def noted(frames: Iterator[SegmentedFrame]) -> Iterator[SegmentedFrame]:
        """Keep what is told of each frame alone: the tracker tells of the latest ones together."""
        for frame in frames:
            told.append(frame.objects[0].actions if frame.objects else {})
            yield frame

    with closing(found):
        for frame in link_all(noted(found), Tracker("primary")):
            objects = frame.objects
            yield rle.decode(objects[0].mask) if objects else np.zeros((rows, columns), np.bool_)
    if actions is not None:
        actions.extend(told)


def centre_box(sequence: LabelledSequence) -> Iterator[Mask]:
    """Yield the middle of each frame, half as high and wide: what knowing nothing gives."""
    mask = np.zeros_like(sequence.mask(0))
    height, width = (side // 2 for side in mask.shape)
    top, left = (mask.shape[0] - height) // 2, (mask.shape[1] - width) // 2
    mask[top : top + height, left : left + width] = True
    return repeat(mask, len(sequence))


def path_of(folder: Path, sequence: LabelledSequence, index: int) -> Path:
    return folder / sequence.name / f"{sequence.frame_names[index]}.png"


def write(folder: Path, sequence: LabelledSequence, masks: Iterator[Mask]) -> Iterator[int]:
    """Write each mask as a PNG file of 0 and 255; yield its index when the file is there."""
    (folder / sequence.name).mkdir(parents=True, exist_ok=True)
    for index, mask in enumerate(masks):
        path = path_of(folder, sequence, index)
        if not cv2.imwrite(str(path), mask.astype(np.uint8) * 255):
            raise PredictionError(f"The mask {path} can't be written.")
        yield index


def read(folder: Path, sequence: LabelledSequence, index: int) -> Mask | None:
    path = path_of(folder, sequence, index)
    return read_mask(path) if path.is_file() else None


def read_fitting(
    folder: Path, sequence: LabelledSequence, index: int, truth: Mask, *, required: bool
) -> Mask:
    """Read a predicted mask of the true one's size, empty if missing; or raise PredictionError."""
    path = path_of(folder, sequence, index)
    mask = read(folder, sequence, index)
    if mask is None and required:
        raise PredictionError(f"Each frame must have a predicted mask, and {path} is missing.")
    if mask is None:
        return np.zeros_like(truth)
    if mask.shape != truth.shape:
        raise PredictionError(
            f"The predicted mask {path} must be {truth.shape[1]}x{truth.shape[0]} as the true one, "
            f"got {mask.shape[1]}x{mask.shape[0]}."
        )
    return mask
