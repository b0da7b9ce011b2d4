"""Models side by side on the same sequences, with the standard error of their differences."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.table import percent, table

MEASURES: Mapping[str, str] = {
    "J mean": "J_mean",
    "J recall": "J_recall",
    "F mean": "F_mean",
    "F recall": "F_recall",
}


class CompareError(Exception):
    """Files of metrics can't be compared; the message says why."""


def paired_difference(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """Return the mean of ours less theirs over the same sequences, and its standard error.

    Sequences differ far more than models do, so it is the spread of their differences that tells
    models apart. The error is nan for a single sequence.
    """
    differences = np.subtract(ours, theirs)
    if len(differences) < 2:
        return float(differences.mean()), math.nan
    return float(differences.mean()), float(differences.std(ddof=1) / math.sqrt(len(differences)))


def read_metrics(path: Path) -> dict[str, Any]:
    """Read what `python -m evaluation davis --json` wrote; CompareError if it didn't."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise CompareError(f"{path} must hold metrics as JSON: {error}.") from error
    if not isinstance(found, dict) or "J_mean" not in found or "per_sequence" not in found:
        raise CompareError(f"{path} must be what `python -m evaluation davis --json` writes.")
    return found


def text(metrics: Mapping[str, Mapping[str, Any]]) -> str:
    """Lay out J of every sequence, the means, and the differences to the first model."""
    first = next(iter(metrics))
    names = list(metrics[first]["per_sequence"])
    for model, found in metrics.items():
        if set(found["per_sequence"]) != set(names):
            raise CompareError(
                f"{model} must have the sequences of {first}, {', '.join(names)}, got "
                f"{', '.join(found['per_sequence'])}."
            )

    def region(model: str) -> list[float]:
        return [metrics[model]["per_sequence"][name]["J_mean"] for name in names]

    rows = [
        [name, *map(percent, js)] for name, *js in zip(names, *map(region, metrics), strict=True)
    ]
    rows += [
        [label, *(percent(found[key]) for found in metrics.values())]
        for label, key in MEASURES.items()
    ]
    less = [paired_difference(region(model), region(first)) for model in metrics]
    rows.append(
        [
            f"J less {first}",
            *(
                "" if model == first else _signed(*pair)
                for model, pair in zip(metrics, less, strict=True)
            ),
        ]
    )
    return "\n".join(
        [
            f"{len(names)} sequences, percent; differences with their standard error, paired",
            table(["J mean", *metrics], rows),
        ]
    )


def _signed(mean: float, error: float) -> str:
    return f"{100 * mean:+.1f} ± {percent(error)}"
