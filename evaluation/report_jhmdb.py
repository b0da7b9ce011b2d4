"""The report on J-HMDB: IoU of the masks by frame, clip and pooled, beside the paper's Table 3.

The paper's mean IoU is over "each test sample", which may be a frame or a clip: the headline is
the mean over frames, and the mean over clips stands beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset.jhmdb import ActionClip
from evaluation import published
from evaluation.overlap import (
    Overlap,
    clip_overlap,
    mean_clip_iou,
    mean_frame_iou,
    overall_iou,
    precision_at,
)
from evaluation.predictions import path_of, read_fitting
from evaluation.table import MISSING, percent, table

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
NO_ACTIONS = "Frame-mAP, video-mAP and clip accuracy need a model that names actions."


@dataclass(frozen=True)
class ClipScore:
    """What is measured on one clip.

    Attributes:
        action: what the person does.
        overlap: of the predicted masks with the true ones.
        missing: frames without a predicted mask, which count 0.
    """

    action: str
    overlap: Overlap
    missing: int


def score(folder: Path, clip: ActionClip) -> ClipScore:
    """Score the predicted masks of a clip's labelled frames.

    Args:
        folder: holds `<clip>/<frame>.png`, frames numbered from `00001`.
        clip: with the true masks.

    Raises:
        PredictionError: a mask is of the wrong size.
    """
    truths = list(clip.masks())
    masks = [
        read_fitting(folder, clip, index, truth, required=False)
        for index, truth in enumerate(truths)
    ]
    missing = sum(not path_of(folder, clip, index).is_file() for index in range(len(truths)))
    return ClipScore(clip.action, clip_overlap(masks, truths), missing)


def figures(scores: Mapping[str, ClipScore]) -> dict[str, Any]:
    """Sum up the clips' scores, as fractions; what needs named actions is None."""
    actions: dict[str, list[Overlap]] = {}
    for item in scores.values():
        actions.setdefault(item.action, []).append(item.overlap)
    overlaps = [item.overlap for item in scores.values()]
    return {
        **_ious(overlaps),
        "precision_at": {str(k): precision_at(overlaps, k) for k in THRESHOLDS},
        "frame_map": None,
        "video_map": None,
        "clip_accuracy": None,
        "missing_masks": sum(item.missing for item in scores.values()),
        "per_action": {action: _ious(clips) for action, clips in actions.items()},
        "per_sequence": {name: _ious([item.overlap]) for name, item in scores.items()},
    }


def text(found: Mapping[str, Any], part: str) -> str:
    """Lay out the figures per action, and Table 3 with our row."""
    keys = ("mean_iou", "mean_iou_clip", "overall_iou")
    rows = [
        [action, *(percent(item[key]) for key in keys)]
        for action, item in found["per_action"].items()
    ]
    rows.append(["all", *(percent(found[key]) for key in keys)])
    overall = [
        [name, *(MISSING if value is None else f"{value:.1f}" for value in values)]
        for name, values in published.JHMDB.items()
    ]
    overall.append(["ours", percent(found["mean_iou"]), percent(found["frame_map"])])
    at = found["precision_at"].items()
    return "\n".join(
        [
            f"J-HMDB {part}, {len(found['per_sequence'])} clips, percent",
            table(["action", "mean IoU", "by clip", "overall IoU"], rows),
            table(["P@", *(k for k, _ in at)], [["", *(percent(value) for _, value in at)]]),
            *_missing(found["missing_masks"]),
            "",
            "The published rows are the means of the test parts of all three splits.",
            table(["method", "mean IoU", "frame-mAP@0.5"], overall),
            NO_ACTIONS,
        ]
    )


def _missing(count: int) -> list[str]:
    return [f"{count} frames have no predicted mask and count 0."] if count else []


def _ious(clips: Sequence[Overlap]) -> dict[str, float]:
    return {
        "mean_iou": mean_frame_iou(clips),
        "mean_iou_clip": mean_clip_iou(clips),
        "overall_iou": overall_iou(clips),
    }
