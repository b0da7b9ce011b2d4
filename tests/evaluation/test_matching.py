"""Matching two contours in order."""

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from evaluation.matching import cheapest_path, matched_cost


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 6), (6, 1), (5, 8), (9, 4), (12, 12)])
def test_the_path_is_as_cheap_as_dijkstras(rows: int, columns: int) -> None:
    costs = np.random.default_rng(rows * columns).random((rows, columns)) + 0.01
    numbers = np.arange(rows * columns).reshape(rows, columns)
    edges = [
        (numbers[: rows - down, : columns - right], numbers[down:, right:])
        for down, right in ((0, 1), (1, 0), (1, 1))
    ]
    starts = np.concatenate([start.ravel() for start, _ in edges])
    stops = np.concatenate([stop.ravel() for _, stop in edges])
    graph = coo_array((costs.ravel()[stops], (starts, stops)), shape=(costs.size,) * 2)
    expected = dijkstra(graph.tocsr(), indices=0)[-1]
    path = cheapest_path(costs)
    assert costs[path[:, 0], path[:, 1]].sum() - costs[0, 0] == pytest.approx(expected)
    assert path[0].tolist() == [rows - 1, columns - 1]
    assert path[-1].tolist() == [0, 0]
    assert set(map(tuple, (path[:-1] - path[1:]).tolist())) <= {(0, 1), (1, 0), (1, 1)}


def test_the_contours_may_start_anywhere() -> None:
    angles = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    costs = 1 - np.cos(angles[:, None] - np.roll(angles, 11)[None])
    assert matched_cost(costs) == pytest.approx(0, abs=1e-12)


def test_each_point_is_matched_once() -> None:
    # Two points of one contour go with one of the other: the cheaper of the two counts.
    costs = np.array([[0.1, 0.9, 0.9], [0.2, 0.9, 0.9], [0.9, 0.1, 0.9], [0.9, 0.9, 0.1]])
    assert matched_cost(costs) == pytest.approx(0.1)
