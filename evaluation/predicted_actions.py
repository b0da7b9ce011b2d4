"""The actions that a model tells of a sequence, frame by frame, kept beside its predicted masks."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from dataset.values import LabelledSequence
from evaluation.predictions import PredictionError
from pipeline.objects.moving_average import ActionAverage

ActionScores = Mapping[str, float]
"""The log-probability of each label in a frame; empty where no object was found."""

_FPS = 25  # the frames of data sets have no times


def path_of(folder: Path, sequence: LabelledSequence) -> Path:
    return folder / sequence.name / "actions.json"


def write(folder: Path, sequence: LabelledSequence, predicted: Sequence[ActionScores]) -> None:
    path = path_of(folder, sequence)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([dict(of_frame) for of_frame in predicted]) + "\n")


def read(folder: Path, sequence: LabelledSequence) -> list[ActionScores] | None:
    """Read what was predicted of each frame; None if no actions, PredictionError if frames lack."""
    path = path_of(folder, sequence)
    if not path.is_file():
        return None
    predicted: list[ActionScores] = json.loads(path.read_text())
    if len(predicted) != len(sequence):
        raise PredictionError(f"{path} must be of {len(sequence)} frames, got {len(predicted)}.")
    return predicted


def of_track(predicted: Sequence[ActionScores]) -> dict[str, float]:
    """Return each label's share, 0 to 1: the softmax of its mean log-probability, as served."""
    frames = [of_frame for of_frame in predicted if of_frame]
    if not frames:
        return {}
    means = {label: sum(f[label] for f in frames) / len(frames) for label in frames[0]}
    weights = {label: math.exp(mean) for label, mean in means.items()}
    total = sum(weights.values())
    return {label: weight / total for label, weight in weights.items()}


def of_frames(predicted: Sequence[ActionScores]) -> list[ActionScores]:
    """Return what each frame tells as the service tells it: from the track's latest frames."""
    average = ActionAverage()
    return [average.add(of_frame, index / _FPS) for index, of_frame in enumerate(predicted)]


def best(shares: Mapping[str, float]) -> str | None:
    return max(shares, key=lambda label: shares[label]) if shares else None
