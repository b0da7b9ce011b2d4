"""Contour accuracy."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from evaluation.contour import contour_accuracy, outline
from tests.evaluation.masks import golden, golden_masks, smooth_masks

EMPTY = np.zeros((40, 60), np.bool_)


def square(row: int, column: int) -> NDArray[np.bool_]:
    mask = EMPTY.copy()
    mask[row : row + 10, column : column + 10] = True
    return mask


def test_outline_lies_before_the_edge() -> None:
    marked = outline(square(20, 30))
    assert marked[19, 29:40].all()
    assert marked[19:30, 29].all()
    assert marked[29, 29:40].all()
    assert marked[19:30, 39].all()
    assert marked.sum() == 40


def test_last_row_and_column_look_along_the_border() -> None:
    mask = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0]], np.bool_)
    expected = np.array([[0, 1, 1], [1, 1, 1], [1, 1, 0]], np.bool_)
    assert np.array_equal(outline(mask), expected)


def test_tolerates_a_shift_within_the_radius_only() -> None:
    assert math.ceil(0.008 * math.hypot(40, 60)) == 1
    assert contour_accuracy(square(10, 10), square(10, 11)) == 1
    assert 0 < contour_accuracy(square(10, 10), square(10, 12)) < 1
    assert contour_accuracy(square(10, 10), square(10, 40)) == 0


def test_empty_masks() -> None:
    assert contour_accuracy(EMPTY, EMPTY) == 1
    assert contour_accuracy(EMPTY, square(10, 10)) == 0
    assert contour_accuracy(square(10, 10), EMPTY) == 0
    # A mask that fills the picture has no outline either.
    assert contour_accuracy(~EMPTY, EMPTY) == 1


def test_refuses_masks_of_two_sizes() -> None:
    with pytest.raises(ValueError, match="one height and width"):
        contour_accuracy(EMPTY, EMPTY.T)


def test_agrees_with_distances_between_all_points() -> None:
    for predicted, truth in zip(smooth_masks(3, 4), smooth_masks(4, 4), strict=True):
        first, second = np.argwhere(outline(predicted)), np.argwhere(outline(truth))
        squared = ((first[:, None] - second[None]) ** 2).sum(axis=2)
        near = squared <= math.ceil(0.008 * math.hypot(*truth.shape)) ** 2
        precision, recall = near.any(axis=1).mean(), near.any(axis=0).mean()
        expected = 2 * precision * recall / (precision + recall)
        assert contour_accuracy(predicted, truth) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ["seq1", "seq3"])
def test_agrees_with_the_reference_values(name: str) -> None:
    expected = golden("davis.json")[name]["F_frames"]
    predicted, truth = golden_masks(name)
    values = [contour_accuracy(*pair) for pair in zip(predicted, truth, strict=True)]
    assert values[1:-1] == pytest.approx(expected, abs=1e-12)
