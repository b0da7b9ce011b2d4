"""Tracks are compared with true ones by TrackEval."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from dataset.values import DatasetError
from evaluation.numbered import Objects
from evaluation.report_tracks import read_truth, score
from pipeline.objects import rle


def _objects(*numbers: int) -> Objects:
    """Return squares that lie apart, the first one on the left."""
    masks = {}
    for place, number in enumerate(numbers):
        mask = np.zeros((20, 60), bool)
        mask[5:15, 20 * place : 20 * place + 10] = True
        masks[number] = rle.encode(mask)
    return masks


@pytest.mark.parametrize(
    ("found", "hota", "idf1", "fragmentations"),
    [
        ([_objects(7, 3)] * 10, 1, 1, 0),
        ([_objects(1)] * 10, 0.5**0.5, 2 / 3, 0),
        # From the middle on the ids are swapped: half of the pairs of frames belong together.
        ([_objects(1, 2)] * 5 + [_objects(2, 1)] * 5, (1 / 3) ** 0.5, 0.5, 0),
        # One of them is lost in two frames: it is found in 8 of 10, and so are 18 of all 20.
        ([_objects(1, 2)] * 4 + [_objects(1)] * 2 + [_objects(1, 2)] * 4, 0.82**0.5, 36 / 38, 2),
    ],
)
def test_tracks_worked_out_by_hand(
    found: Sequence[Objects], hota: float, idf1: float, fragmentations: float
) -> None:
    measured = score([_objects(1, 2)] * 10, found, minutes=0.5)
    assert measured["HOTA"] == pytest.approx(hota, abs=1e-6)
    assert measured["IDF1"] == pytest.approx(idf1)
    assert measured["fragmentations"] == fragmentations
    assert (measured["apart"], measured["touching"]) == (None, 0)


def test_truth_is_read_from_numbers(tmp_path: Path) -> None:
    numbers = np.zeros((20, 60), np.uint8)
    numbers[5:15, :10], numbers[5:15, 20:30] = 4, 2
    assert cv2.imwrite(str(tmp_path / "00000.png"), numbers)
    assert read_truth(tmp_path) == [_objects(4, 2)]
    with pytest.raises(DatasetError, match="must hold the masks of frames"):
        read_truth(tmp_path / "none")
