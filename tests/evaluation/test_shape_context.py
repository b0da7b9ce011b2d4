"""Shape contexts."""

import numpy as np
import pytest

from evaluation.shape_context import matching_costs, shape_contexts


def test_counts_by_direction_and_distance() -> None:
    points = np.array([[0, 0], [4, 0], [0, 4]], np.float32)
    contexts = shape_contexts(points).reshape(3, 5, 12)
    # The mean distance, with each point's to itself, is 3.03: 4 is 1.32 and 5.66 is 1.87 of it.
    assert np.argwhere(contexts[0]).tolist() == [[0, 0], [4, 0], [4, 3]]
    assert contexts.sum(axis=(1, 2)) == pytest.approx([1, 1, 1])


def test_does_not_see_what_is_farther_than_two_mean_distances() -> None:
    points = np.array([[x, 0] for x in range(10)] + [[60, 0]], np.float32)
    assert shape_contexts(points)[0].max() < 1
    assert shape_contexts(points)[-1].max() == 1


def test_does_not_depend_on_place_or_size() -> None:
    points = np.random.default_rng(1).integers(0, 64, (40, 2)).astype(np.float32)
    assert np.array_equal(shape_contexts(points), shape_contexts(points * 2 + 64))


def test_costs_are_the_chi_square_distance() -> None:
    rng = np.random.default_rng(2)
    first, second = rng.dirichlet(np.full(60, 0.1), 7), rng.dirichlet(np.full(60, 0.1), 9)
    a, b = first[:, None], second[None]
    expected = 0.5 * ((a - b) ** 2 / (a + b + np.spacing(1))).sum(axis=2)
    assert matching_costs(first, second) == pytest.approx(expected, abs=1e-12)


def test_costs_of_equal_and_of_disjoint_histograms() -> None:
    histograms = np.eye(60)[:3]
    assert np.array_equal(matching_costs(histograms, histograms), 1 - np.eye(3))
