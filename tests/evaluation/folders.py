"""Folders of predicted masks, for tests."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from dataset.values import LabelledSequence
from evaluation.predictions import write
from evaluation.region import Mask


def write_predictions(
    folder: Path,
    sequences: Iterable[LabelledSequence],
    change: Callable[[Mask], Mask] = lambda mask: mask,
) -> Path:
    """Write the true masks of sequences as predictions, each changed by a function."""
    for sequence in sequences:
        assert list(write(folder, sequence, map(change, sequence.masks()))) == [
            *range(len(sequence))
        ]
    return folder


def shifted(columns: int) -> Callable[[Mask], Mask]:
    """Return a function that moves masks to the right."""

    def move(mask: Mask) -> Mask:
        return np.roll(mask, columns, axis=1)

    return move
