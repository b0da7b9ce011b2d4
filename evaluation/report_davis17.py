"""The report on DAVIS-2017, unsupervised: J and F of each object beside the track that fits it.

Source: Caelles et al., "The 2019 DAVIS Challenge on VOS: Unsupervised Multi-Object Segmentation",
arXiv 1905.00737, with the details of the official code.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from dataset.values import DatasetError, LabelledVideo
from evaluation.contour import contour_accuracy
from evaluation.numbered import Objects, of_tracks
from evaluation.predictions import FPS
from evaluation.published import DAVIS_MEASURES
from evaluation.region import Mask, region_similarity
from evaluation.statistics import Statistics, data_set_statistics, sequence_statistics
from evaluation.table import percent, table
from pipeline.objects import rle
from pipeline.objects.tracks import Tracker, link_all
from pipeline.segmenter import Segmenter
from pipeline.values import Instances

MAX_PROPOSALS = 20
"""Tracks of a sequence that may be given."""


@dataclass(frozen=True)
class ObjectScore:
    """What is measured on one object of a sequence, over all its frames."""

    region: Statistics
    contour: Statistics


def segment(segmenter: Segmenter, video: LabelledVideo, instances: Instances) -> list[Objects]:
    """Return the masks of a sequence's tracks, those with the largest masks if there are more."""
    height, width, _ = video.frame(0).shape
    rows, columns = video.mask(0).shape
    found = segmenter.find(
        video.frames(), len(video), size=(height, width), fps=FPS, mask_size=(rows, columns)
    )
    frames = of_tracks(link_all(found, Tracker(instances)))
    areas = Counter[int]()
    for objects in frames:
        areas.update({number: rle.area(mask) for number, mask in objects.items()})
    kept = {number for number, _ in areas.most_common(MAX_PROPOSALS)}
    return [{n: mask for n, mask in objects.items() if n in kept} for objects in frames]


def score(truth: Sequence[Objects], found: Sequence[Objects]) -> list[ObjectScore]:
    """Score each true object by the track that it is matched to, for the largest sum of J and F.

    An object left over has an empty track. Raises DatasetError for no object, too many tracks or
    another number of frames.
    """
    if len(truth) != len(found):
        raise DatasetError(f"There must be masks of {len(truth)} frames, got {len(found)}.")
    objects = sorted({number for frame in truth for number in frame})
    tracks = sorted({number for frame in found for number in frame})
    if not objects:
        raise DatasetError("A sequence must have at least one true object, got none.")
    if len(tracks) > MAX_PROPOSALS:
        raise DatasetError(f"There may be {MAX_PROPOSALS} tracks of a sequence, got {len(tracks)}.")
    size = next((mask.height, mask.width) for frame in truth for mask in frame.values())
    rows = max(len(tracks), len(objects))
    region, contour = np.zeros((2, rows, len(objects), len(truth)))
    for at, (true_frame, found_frame) in enumerate(zip(truth, found, strict=True)):
        true_masks = list(_masks(true_frame, objects, size))
        found_masks = list(_masks(found_frame, tracks, size))
        found_masks += [np.zeros(size, np.bool_)] * (rows - len(tracks))
        for row, predicted in enumerate(found_masks):
            for column, true_mask in enumerate(true_masks):
                region[row, column, at] = region_similarity(predicted, true_mask)
                contour[row, column, at] = contour_accuracy(predicted, true_mask)
    return _matched(region, contour)


def _matched(region: NDArray[np.float64], contour: NDArray[np.float64]) -> list[ObjectScore]:
    """Return the scores of each object of (tracks, objects, T) with the track matched to it."""
    matched, order = linear_sum_assignment((region + contour).mean(axis=2), maximize=True)
    track_of = dict(zip(order, matched, strict=True))
    return [
        ObjectScore(
            sequence_statistics(region[track_of[column], column]),
            sequence_statistics(contour[track_of[column], column]),
        )
        for column in range(region.shape[1])
    ]


def metrics(scores: Mapping[str, Sequence[ObjectScore]]) -> dict[str, Any]:
    """Sum up the sequences' scores, as fractions: means over all objects."""
    everything = [one for objects in scores.values() for one in objects]
    return _metrics(everything) | {
        "per_sequence": {name: _metrics(objects) for name, objects in scores.items()}
    }


def text(found: Mapping[str, Any], split: str) -> str:
    of_both = {name: key for name, key in DAVIS_MEASURES.items() if key in found}
    keys = {"J&F": "J_and_F_mean", **of_both}
    lines = {**found["per_sequence"], "all objects": found}
    rows = [
        [name, str(item["objects"]), *(percent(item[key]) for key in keys.values())]
        for name, item in lines.items()
    ]
    count = len(found["per_sequence"])
    return "\n".join(
        [
            f"DAVIS-2017 unsupervised, {split}, {count} sequences, percent",
            table(["sequence", "objects", *keys], rows),
        ]
    )


def _metrics(scores: Sequence[ObjectScore]) -> dict[str, Any]:
    region = data_set_statistics(one.region for one in scores)
    contour = data_set_statistics(one.contour for one in scores)
    return {
        "objects": len(scores),
        "J_and_F_mean": (region.mean + contour.mean) / 2,
        "J_mean": region.mean,
        "J_recall": region.recall,
        "J_decay": region.decay,
        "F_mean": contour.mean,
        "F_recall": contour.recall,
        "F_decay": contour.decay,
    }


def _masks(frame: Objects, numbers: Sequence[int], size: tuple[int, int]) -> Iterator[Mask]:
    for number in numbers:
        yield rle.decode(frame[number]) if number in frame else np.zeros(size, np.bool_)
