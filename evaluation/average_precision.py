"""Average precision of scored detections, as the evaluation of action detectors defines it.

Source: Kalogeiton et al., "Action Tubelet Detector for Spatio-Temporal Action Localization", ICCV
2017, section 5, and its code. PASCAL VOC and COCO smooth the curve and get other values.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

S = TypeVar("S")


@dataclass(frozen=True)
class Truth(Generic[S]):
    """Something to find in a place, such as a video, or a video and a frame."""

    place: Hashable
    label: str
    shape: S


@dataclass(frozen=True)
class Detection(Truth[S]):
    """Something that was found; the higher its score, the more certain."""

    score: float


@dataclass(frozen=True)
class Curve:
    """Precision from 1 and recall from 0, (D + 1,), as D detections are taken by falling score."""

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]

    def area(self) -> float:
        """Return the average precision: the area by trapezoids, without an envelope."""
        return float(np.trapezoid(self.precision, self.recall))


def average_precisions(
    detections: Iterable[Detection[S]],
    truths: Iterable[Truth[S]],
    overlap: Callable[[S, S], float],
    threshold: float,
) -> dict[str, float]:
    """Measure the average precision of each label that has a truth, 0 to 1; ValueError if none has.

    A detection is right from the overlap `threshold` on. A label without a detection gets 0.
    """
    wanted: dict[str, list[Truth[S]]] = {}
    for truth in truths:
        wanted.setdefault(truth.label, []).append(truth)
    if not wanted:
        raise ValueError("There must be at least one truth, got none.")
    found: dict[str, list[Detection[S]]] = {label: [] for label in wanted}
    for detection in detections:
        # A label that is nowhere to be found has no average precision.
        if detection.label in found:
            found[detection.label].append(detection)
    return {
        label: precision_recall(found[label], wanted[label], overlap, threshold).area()
        for label in sorted(wanted)
    }


def precision_recall(
    detections: Iterable[Detection[S]],
    truths: Iterable[Truth[S]],
    overlap: Callable[[S, S], float],
    threshold: float,
) -> Curve:
    """Take detections of one label by falling score, equal ones as they come.

    One is right if the truth that it overlaps most, of those in its place that no better one has
    used up, reaches the threshold.
    """
    remaining: dict[Hashable, list[S]] = {}
    count = 0
    for truth in truths:
        remaining.setdefault(truth.place, []).append(truth.shape)
        count += 1
    right = []
    for detection in sorted(detections, key=lambda detection: -detection.score):
        candidates = remaining.get(detection.place, [])
        overlaps = [overlap(shape, detection.shape) for shape in candidates]
        right.append(max(overlaps, default=0.0) >= threshold)
        if right[-1]:
            del candidates[overlaps.index(max(overlaps))]
    hits = np.cumsum(np.array(right, dtype=np.int64))
    precision = hits / np.arange(1, len(hits) + 1)
    return Curve(np.concatenate([[1.0], precision]), np.concatenate([[0.0], hits / count]))


def mean_average_precision(by_label: Mapping[str, float]) -> float:
    """Average over labels; a data set with several splits averages those in turn."""
    if not by_label:
        raise ValueError("There must be at least one label, got none.")
    return sum(by_label.values()) / len(by_label)
