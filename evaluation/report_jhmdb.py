"""The report on J-HMDB: IoU of the masks by frame, clip and pooled, beside the paper's Table 3.

The paper's mean IoU is over "each test sample", a frame or a clip; the headline is over frames.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset.jhmdb import ActionClip, tight_box
from evaluation import actions, predicted_actions, published
from evaluation.actions import ClipActions
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
from pipeline.values import SURE_ENOUGH

COLUMNS = (
    "action",
    "mean IoU",
    "by clip",
    "overall IoU",
    "frame-AP@0.5",
    "video-AP@0.5",
    "clips right",
)
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
NOT_NAMED: Mapping[str, Any] = {
    "frame_map": None,
    "video_map": None,
    "video_map_at": None,
    "clip_accuracy": None,
    "sure_clips": None,
    "sure_accuracy": None,
    "confusion": None,
    "per_action": {},
}
NO_ACTIONS = "Frame-mAP, video-mAP and clip accuracy need a model that names actions."


@dataclass(frozen=True)
class ClipScore:
    """What is measured on one clip; the `missing` frames without a predicted mask count 0."""

    action: str
    overlap: Overlap
    missing: int
    actions: ClipActions | None = None


def score(folder: Path, clip: ActionClip) -> ClipScore:
    """Score `<clip>/<frame>.png`, frames from `00001`, and `<clip>/actions.json` if it is there."""
    truths = list(clip.masks())
    masks = [
        read_fitting(folder, clip, index, truth, required=False)
        for index, truth in enumerate(truths)
    ]
    missing = sum(not path_of(folder, clip, index).is_file() for index in range(len(truths)))
    found = predicted_actions.read(folder, clip)
    return ClipScore(
        clip.action,
        clip_overlap(masks, truths),
        missing,
        None
        if found is None
        else ClipActions(clip.action, found, [tight_box(mask) for mask in masks], clip.boxes()),
    )


def metrics(scores: Mapping[str, ClipScore]) -> dict[str, Any]:
    """Sum up the clips' scores, as fractions; what needs named actions is None."""
    by_action: dict[str, list[Overlap]] = {}
    for item in scores.values():
        by_action.setdefault(item.action, []).append(item.overlap)
    overlaps = [item.overlap for item in scores.values()]
    named = {name: item.actions for name, item in scores.items() if item.actions is not None}
    # Average precision over some of the clips would be that of another data set.
    of_actions = actions.metrics(named) if len(named) == len(scores) else NOT_NAMED
    return {
        **_ious(overlaps),
        "precision_at": {str(k): precision_at(overlaps, k) for k in THRESHOLDS},
        **{key: value for key, value in of_actions.items() if key != "per_action"},
        "missing_masks": sum(item.missing for item in scores.values()),
        "per_action": {
            action: _ious(clips) | of_actions["per_action"].get(action, {})
            for action, clips in by_action.items()
        },
        "per_sequence": {name: _ious([item.overlap]) for name, item in scores.items()},
    }


def text(found: Mapping[str, Any], part: str) -> str:
    keys = ("mean_iou", "mean_iou_clip", "overall_iou", "frame_ap", "video_ap", "clip_accuracy")
    rows = [
        [action, *(percent(item.get(key)) for key in keys)]
        for action, item in found["per_action"].items()
    ]
    means = {**found, "frame_ap": found["frame_map"], "video_ap": found["video_map"]}
    rows.append(["all", *(percent(means[key]) for key in keys)])
    overall = [
        [name, *(MISSING if value is None else f"{value:.1f}" for value in values)]
        for name, values in published.JHMDB.items()
    ]
    overall.append(["ours", percent(found["mean_iou"]), percent(found["frame_map"])])
    at = found["precision_at"].items()
    return "\n".join(
        [
            f"J-HMDB {part}, {len(found['per_sequence'])} clips, percent",
            table(COLUMNS, rows),
            table(["P@", *(k for k, _ in at)], [["", *(percent(value) for _, value in at)]]),
            *_missing(found["missing_masks"]),
            "",
            "The published rows are the means of the test parts of all three splits.",
            table(["method", "mean IoU", "frame-mAP@0.5"], overall),
            _of_tubes(found["video_map_at"]),
            *_of_sure(found),
        ]
    )


def _of_sure(found: Mapping[str, Any]) -> list[str]:
    count, accuracy = found["sure_clips"], found["sure_accuracy"]
    if count is None:
        return []
    return [
        f"Predicted an action with a score of {SURE_ENOUGH} or more: {count} clips, "
        f"{percent(accuracy)} % of them rightly."
    ]


def _of_tubes(video_map: Mapping[str, float] | None) -> str:
    if video_map is None:
        return NO_ACTIONS
    return "Ours in tubes: " + ", ".join(
        f"video-mAP@{threshold} {percent(value)}" for threshold, value in video_map.items()
    )


def _missing(count: int) -> list[str]:
    return [f"{count} frames have no predicted mask and count 0."] if count else []


def _ious(clips: Sequence[Overlap]) -> dict[str, float]:
    return {
        "mean_iou": mean_frame_iou(clips),
        "mean_iou_clip": mean_clip_iou(clips),
        "overall_iou": overall_iou(clips),
    }
