"""The report on what is predicted of objects that aren't people, in sequences of DAVIS-2016."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset.davis import PEOPLE
from dataset.values import LabelledVideo
from evaluation import predicted_actions
from evaluation.predictions import PredictionError
from evaluation.table import percent, table
from pipeline.values import NO_ACTION


@dataclass(frozen=True)
class NoneScore:
    """The label predicted of a sequence's track, and the share of its frames predicted `none`."""

    label: str | None
    share: float
    frames: float


def score(folder: Path, video: LabelledVideo) -> NoneScore:
    """Look at what was predicted of a sequence; PredictionError if no actions were."""
    found = predicted_actions.read(folder, video)
    if found is None:
        raise PredictionError(
            f"There is no {predicted_actions.path_of(folder, video)}: the model must name actions."
        )
    shares = predicted_actions.of_track(found)
    label = predicted_actions.best(shares)
    labels = [
        predicted_actions.best(of_frame)
        for of_frame in predicted_actions.of_frames(found)
        if of_frame
    ]
    frames = labels.count(NO_ACTION) / len(labels) if labels else 0.0
    return NoneScore(label, shares[label] if label else 0.0, frames)


def metrics(scores: Mapping[str, NoneScore]) -> dict[str, Any]:
    """Sum up, as fractions; people are listed but don't count, and nothing found isn't `none`."""
    things = [item for name, item in scores.items() if name not in PEOPLE]
    return {
        "none_share": _mean([item.label == NO_ACTION for item in things]),
        "none_share_frames": _mean([item.frames for item in things]),
        "per_sequence": {
            name: {
                "people": name in PEOPLE,
                "label": item.label,
                "share": item.share,
                "none_share_frames": item.frames,
            }
            for name, item in scores.items()
        },
    }


def text(found: Mapping[str, Any], part: str) -> str:
    rows = [
        [
            name + (" (people)" if item["people"] else ""),
            item["label"] or "nothing",
            percent(item["share"]),
            percent(item["none_share_frames"]),
        ]
        for name, item in found["per_sequence"].items()
    ]
    return "\n".join(
        [
            f"DAVIS-2016 {part}, {len(rows)} sequences, percent",
            table(["sequence", "predicted", "share", "frames predicted none"], rows),
            f"Objects that aren't people: {percent(found['none_share'])} predicted none, "
            f"{percent(found['none_share_frames'])} of their frames.",
        ]
    )


def _mean(values: list[Any]) -> float:
    return sum(values) / len(values) if values else float("nan")
