"""The report on DAVIS-2016: J, F and T by the benchmark's protocol, beside the paper's Table 1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataset.davis import EVAL_T
from dataset.values import DatasetError, LabelledSequence
from evaluation import published
from evaluation.contour import contour_accuracy
from evaluation.predictions import read_fitting
from evaluation.region import region_similarity
from evaluation.stability import pair_costs, temporal_stability
from evaluation.statistics import Statistics, data_set_statistics, sequence_statistics
from evaluation.table import percent, table


@dataclass(frozen=True)
class SequenceScore:
    """What is measured on one sequence; `stability` is nan where no two frames have a contour."""

    region: Statistics
    contour: Statistics
    stability: float


def score(folder: Path, sequence: LabelledSequence) -> SequenceScore:
    """Score `<sequence>/<frame>.png` of a sequence, its first and last frame left out."""
    if len(sequence) < 3:
        raise DatasetError(
            f"Sequence {sequence.name} must have at least 3 frames, got {len(sequence)}: the "
            "benchmark leaves the first and the last one out."
        )
    truths = list(sequence.masks())[1:-1]
    masks = [
        read_fitting(folder, sequence, index, truth, required=True)
        for index, truth in enumerate(truths, start=1)
    ]
    pairs = list(zip(masks, truths, strict=True))
    return SequenceScore(
        sequence_statistics([region_similarity(mask, truth) for mask, truth in pairs]),
        sequence_statistics([contour_accuracy(mask, truth) for mask, truth in pairs]),
        temporal_stability(pair_costs(masks)),
    )


def metrics(scores: Mapping[str, SequenceScore]) -> dict[str, Any]:
    """Sum up the sequences' scores, as fractions.

    T is the mean over the sequences that the release flags for it, or over all if none of them is
    among `scores`; `T_sequences` says which.
    """
    flagged = [name for name in scores if name in EVAL_T] or list(scores)
    stabilities = [scores[name].stability for name in flagged]
    known = [stability for stability in stabilities if not np.isnan(stability)]
    region = data_set_statistics(item.region for item in scores.values())
    contour = data_set_statistics(item.contour for item in scores.values())
    return {
        **_metrics(region, contour, float(np.mean(known)) if known else float("nan")),
        "T_sequences": flagged,
        "per_sequence": {
            name: _metrics(item.region, item.contour, item.stability) | {"T": item.stability}
            for name, item in scores.items()
        },
    }


def text(found: Mapping[str, Any], split: str) -> str:
    measures = published.DAVIS_MEASURES
    rows = [
        [name, *(percent(item[key]) for key in measures.values())]
        for name, item in found["per_sequence"].items()
    ]
    overall = [
        [name, *(f"{values[row]:.1f}" for values in published.DAVIS.values()), percent(found[key])]
        for row, (name, key) in enumerate(measures.items())
    ]
    count = len(rows)
    return "\n".join(
        [
            f"DAVIS-2016 {split}, {count} sequences, percent",
            table(["sequence", *measures], rows),
            "",
            *_notes(split, count, found["T_sequences"]),
            table(["measure", *published.DAVIS, "ours"], overall),
        ]
    )


def _notes(split: str, count: int, stable: Sequence[str]) -> list[str]:
    notes = [f"T is the mean over {len(stable)} of the {count} sequences."]
    if (split, count) != ("val", 20):
        notes.append("The published columns are of all 20 sequences of val: not comparable.")
    return notes


def _metrics(region: Statistics, contour: Statistics, stability: float) -> dict[str, float]:
    return {
        "J_mean": region.mean,
        "J_recall": region.recall,
        "J_decay": region.decay,
        "F_mean": contour.mean,
        "F_recall": contour.recall,
        "F_decay": contour.decay,
        "T_mean": stability,
    }
