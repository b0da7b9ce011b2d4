"""Mean, recall and decay of a measure over a sequence, and their means over a data set."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """Mean, share of frames above a half, and mean of the first quarter less that of the last."""

    mean: float
    recall: float
    decay: float


def sequence_statistics(values: ArrayLike) -> Statistics:
    """Sum up values (T,) of one sequence; ValueError if all are nan.

    A nan counts as missed in the recall, and is left out of the means. Quarters share the frame
    between them. Source: Perazzi et al., CVPR 2016, section 4.3.
    """
    frames = np.asarray(values, dtype=np.float64)
    if frames.ndim != 1 or np.isnan(frames).all():
        raise ValueError(f"There must be a value a frame, at least one, got shape {frames.shape}.")
    # numpy rounds halves to even; the official code nudges them up.
    edges = np.round(np.linspace(1, len(frames), 5) + 1e-10).astype(np.int64) - 1
    first, last = frames[edges[0] : edges[1] + 1], frames[edges[3] : edges[4] + 1]
    return Statistics(
        mean=float(np.nanmean(frames)),
        recall=float(np.mean(frames > 0.5)),
        decay=_mean(first) - _mean(last),
    )


def data_set_statistics(sequences: Iterable[Statistics]) -> Statistics:
    """Average each statistic over sequences, long and short ones alike."""
    listed = list(sequences)
    if not listed:
        raise ValueError("There must be at least one sequence, got none.")
    return Statistics(
        mean=float(np.mean([sequence.mean for sequence in listed])),
        recall=float(np.mean([sequence.recall for sequence in listed])),
        decay=float(np.mean([sequence.decay for sequence in listed])),
    )


def _mean(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
