"""How well actions are predicted and found: average precision of boxes and tubes, and accuracy.

Source: Hou et al., BMVC 2019, Section 4 (frame-mAP); Kalogeiton et al., ICCV 2017, Section 5.1.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.average_precision import Detection, Truth, mean_average_precision
from evaluation.frame_ap import Box, frame_ap
from evaluation.predicted_actions import ActionScores, best, of_frames, of_track
from evaluation.video_ap import Tube, video_ap
from pipeline.values import NO_ACTION, SURE_ENOUGH

FRAME_IOU = 0.5
TUBE_IOUS = (0.2, 0.5)


@dataclass(frozen=True)
class ClipActions:
    """What was predicted of a clip's frames, and what is true; boxes of empty masks are None."""

    action: str
    predicted: Sequence[ActionScores]
    found: Sequence[Box | None]
    true: Sequence[Box | None]


def metrics(clips: Mapping[str, ClipActions]) -> dict[str, Any]:
    """Sum up what was predicted of clips, as fractions.

    Of `sure_clips` an action was predicted surely enough to be shown; `sure_accuracy` is None if
    there are none. `confusion` is {action: {predicted label, or "nothing": clips}}.
    """
    boxes = frame_ap(_boxes(clips), _true_boxes(clips), FRAME_IOU)
    tubes = {
        threshold: video_ap(_tubes(clips), _true_tubes(clips), threshold) for threshold in TUBE_IOUS
    }
    confusion = _confusion(clips)
    right = {action: predicted.get(action, 0) for action, predicted in confusion.items()}
    sure = _sure(clips)
    of_action = {action: sum(predicted.values()) for action, predicted in confusion.items()}
    return {
        "frame_map": mean_average_precision(boxes),
        "video_map": mean_average_precision(tubes[0.5]),
        "video_map_at": {str(k): mean_average_precision(found) for k, found in tubes.items()},
        "clip_accuracy": sum(right.values()) / len(clips),
        "sure_clips": len(sure),
        "sure_accuracy": sum(sure) / len(sure) if sure else None,
        "confusion": confusion,
        "per_action": {
            action: {
                "frame_ap": boxes[action],
                "video_ap": tubes[0.5][action],
                "clip_accuracy": right[action] / of_action[action],
            }
            for action in confusion
        },
    }


def _confusion(clips: Mapping[str, ClipActions]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for clip in clips.values():
        of_action = counts.setdefault(clip.action, {})
        label = best(of_track(clip.predicted)) or "nothing"
        of_action[label] = of_action.get(label, 0) + 1
    return counts


def _sure(clips: Mapping[str, ClipActions]) -> list[bool]:
    """Return, for each clip with an action predicted surely enough, whether it is the right one."""
    predicted = [(clip.action, of_track(clip.predicted)) for clip in clips.values()]
    named = [(action, best(shares), shares) for action, shares in predicted]
    return [
        label == action
        for action, label, shares in named
        if label is not None and label != NO_ACTION and shares[label] >= SURE_ENOUGH
    ]


def _boxes(clips: Mapping[str, ClipActions]) -> list[Detection[Box]]:
    """Return a detection of each action in each frame, scored by its probability there."""
    return [
        Detection((name, index), label, box, math.exp(score))
        for name, clip in clips.items()
        for index, (predicted, box) in enumerate(
            zip(of_frames(clip.predicted), clip.found, strict=True)
        )
        if box is not None
        for label, score in predicted.items()
        if label != NO_ACTION
    ]


def _true_boxes(clips: Mapping[str, ClipActions]) -> list[Truth[Box]]:
    return [
        Truth((name, index), clip.action, box)
        for name, clip in clips.items()
        for index, box in enumerate(clip.true)
        if box is not None
    ]


def _tubes(clips: Mapping[str, ClipActions]) -> list[Detection[Tube]]:
    """Return a tube of each action in each clip, scored by its share of the whole track."""
    return [
        Detection(name, label, tube, share)
        for name, clip in clips.items()
        if (tube := _tube(clip.found)) is not None
        for label, share in of_track(clip.predicted).items()
        if label != NO_ACTION
    ]


def _true_tubes(clips: Mapping[str, ClipActions]) -> list[Truth[Tube]]:
    return [
        Truth(name, clip.action, tube)
        for name, clip in clips.items()
        if (tube := _tube(clip.true)) is not None
    ]


def _tube(boxes: Sequence[Box | None]) -> Tube | None:
    """Return the tube from the first box to the last; frames without one repeat the one before."""
    there = [index for index, box in enumerate(boxes) if box is not None]
    if not there:
        return None
    filled: list[Box] = []
    for box in boxes[there[0] : there[-1] + 1]:
        filled.append(filled[-1] if box is None else box)
    return Tube(there[0], tuple(filled))
