"""The report on SegTrack-v2: mean IoU of united objects by sequence, beside the paper's Table 2."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataset.values import LabelledSequence
from evaluation import published
from evaluation.overlap import Overlap, clip_overlap, mean_clip_iou, mean_frame_iou
from evaluation.predictions import read_fitting
from evaluation.table import percent, table

SEQUENCES = 14


def score(folder: Path, sequence: LabelledSequence) -> Overlap:
    """Score `<sequence>/<frame>.png` of all frames of a sequence."""
    truths = list(sequence.masks())
    masks = [
        read_fitting(folder, sequence, index, truth, required=True)
        for index, truth in enumerate(truths)
    ]
    return clip_overlap(masks, truths)


def metrics(scores: Mapping[str, Overlap]) -> dict[str, Any]:
    overlaps = list(scores.values())
    return {
        "mean_iou": mean_clip_iou(overlaps),
        "pooled_iou": mean_frame_iou(overlaps),
        "per_sequence": {
            name: {"mean_iou": mean_clip_iou([overlap])} for name, overlap in scores.items()
        },
    }


def text(found: Mapping[str, Any]) -> str:
    sequences = found["per_sequence"].items()
    rows = [[name, percent(item["mean_iou"])] for name, item in sequences]
    overall = [[name, f"{value:.1f}"] for name, value in published.SEGTRACK.items()]
    notes = []
    if len(rows) != SEQUENCES:
        notes.append(f"The published rows are of all {SEQUENCES} sequences: not comparable.")
    return "\n".join(
        [
            f"SegTrack-v2, {len(rows)} sequences, percent",
            table(["sequence", "mean IoU"], rows),
            "",
            *notes,
            table(["method", "mean IoU"], [*overall, ["ours", percent(found["mean_iou"])]]),
            f"Mean IoU over all frames alike: {percent(found['pooled_iou'])}",
        ]
    )
