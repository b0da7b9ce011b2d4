"""Temporal stability."""

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from evaluation.stability import pair_costs, temporal_stability
from tests.evaluation.masks import golden, golden_masks

EMPTY = np.zeros((120, 160), np.bool_)


def ellipse(width: int, height: int, x: int = 80, y: int = 60) -> NDArray[np.bool_]:
    mask = EMPTY.astype(np.uint8)
    cv2.ellipse(mask, (x, y), (width, height), 0, 0, 360, 1, -1)
    return mask.astype(np.bool_)


def stability(*masks: NDArray[np.bool_]) -> float:
    return temporal_stability(pair_costs(masks))


def test_nothing_moves() -> None:
    assert stability(*[ellipse(40, 25)] * 3) == pytest.approx(0, abs=1e-12)


def test_a_translation_is_stable() -> None:
    masks = [ellipse(30, 20, x=60 + 7 * step, y=60 - 3 * step) for step in range(4)]
    # Single precision rounds the points of a contour differently in different places.
    assert stability(*masks) == pytest.approx(0, abs=2e-3)


def test_the_more_the_shape_changes_the_larger() -> None:
    values = [stability(ellipse(40, 25), ellipse(40 + 8 * step, 25)) for step in (0, 1, 3)]
    assert values[0] == pytest.approx(0, abs=1e-12)
    assert values[0] < values[1] < values[2]
    assert stability(ellipse(60, 8), ellipse(8, 50)) > 1


def test_a_pair_with_an_empty_mask_is_left_out() -> None:
    costs = pair_costs([ellipse(40, 25), ellipse(40, 28), EMPTY, ellipse(40, 25)])
    assert np.isnan(costs).tolist() == [False, True, True]
    assert temporal_stability(costs) == 5 * costs[0]


def test_empty_masks_have_no_stability() -> None:
    assert math.isnan(stability(EMPTY, EMPTY))
    assert math.isnan(stability(ellipse(40, 25)))


@pytest.mark.parametrize("name", ["seq1", "seq3"])
def test_agrees_with_the_reference_values(name: str) -> None:
    expected = golden("davis.json")[name]
    predicted, _ = golden_masks(name)
    costs = 5 * pair_costs(predicted[1:-1])
    # Of two matchings that cost the same, the reference takes either: see `cheapest_path`.
    deviations = np.abs(costs - expected["T_pairs"])
    assert np.mean(deviations < 1e-9) >= 0.94
    assert deviations.max() < 5e-3
    assert costs.mean() == pytest.approx(expected["T16"], abs=2e-4)
