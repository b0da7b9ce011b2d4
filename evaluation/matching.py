"""Match the points of two closed contours in order, at the least cost."""

import numpy as np
from numpy.typing import NDArray

Pairs = NDArray[np.int64]


def matched_cost(costs: NDArray[np.float64]) -> float:
    """Average the costs (P, Q) of the matched pairs of points of two closed contours.

    The matching follows the order of the points. As nobody knows which points the contours start
    from, a first one from start to start finds the best pair, and the final one starts after it.

    Source: Perazzi et al., CVPR 2016, section 4.1 ("we match using Dynamic Time Warping").
    """
    path = cheapest_path(costs)
    # The path comes from its end; its last pair, the start, is never the best one.
    steps = path[:-1] if len(path) > 1 else path
    best = steps[np.argmin(costs[steps[:, 0], steps[:, 1]])]
    rolled = np.roll(costs, -(best + 1), axis=(0, 1))
    pairs = (cheapest_path(rolled) + best + 1) % costs.shape
    pairs = _cheapest_of_each(pairs, costs, side=0)
    pairs = _cheapest_of_each(pairs, costs, side=1)
    return float(costs[pairs[:, 0], pairs[:, 1]].mean())


def cheapest_path(costs: NDArray[np.float64]) -> Pairs:
    """Return the pairs (S, 2) of the cheapest way through costs (P, Q), the last one first.

    Of ways that cost the same, it is the one with the diagonal step: such ways exist where the
    contours close, as their first points come twice. The official code takes either, as the order
    within its heap has it, so that T differs by some 1e-4 in a few sequences.

    Source: Sakoe and Chiba, "Dynamic programming algorithm optimization for spoken word
    recognition", 1978.
    """
    totals = _totals(costs)
    row, column = costs.shape[0] - 1, costs.shape[1] - 1
    path = [(row, column)]
    while (row, column) != (0, 0):
        # `_totals` says where each pair stands, and what the border holds.
        diagonal = row + column
        ways = (
            (totals[diagonal - 2, row], row - 1, column - 1),
            (totals[diagonal - 1, row], row - 1, column),
            (totals[diagonal - 1, row + 1], row, column - 1),
        )
        _, row, column = min(ways, key=lambda way: float(way[0]))
        path.append((row, column))
    return np.array(path)


def _totals(costs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add up the least cost of reaching each pair: (P + Q + 1, P + 1), infinity if there is none.

    (row, column) is at [row + column, row + 1], since pairs of one diagonal don't depend on each
    other. The two last diagonals are the border before the first one.
    """
    rows, columns = costs.shape
    diagonals = rows + columns - 1
    # Cut into rows shorter by one, each row of a padded matrix moves on by one.
    padded = np.pad(costs, ((0, 0), (0, rows)), constant_values=np.inf)
    skewed = padded.ravel()[: rows * diagonals].reshape(rows, diagonals).T.copy()
    totals = np.full((diagonals + 2, rows + 1), np.inf)
    totals[0, 1] = 0
    for diagonal in range(1, diagonals):
        before, two_before = totals[diagonal - 1], totals[diagonal - 2]
        best = np.minimum(before[1:], before[:-1])
        np.minimum(best, two_before[:-1], out=best)
        np.add(skewed[diagonal], best, out=totals[diagonal, 1:])
    return totals


def _cheapest_of_each(pairs: Pairs, costs: NDArray[np.float64], side: int) -> Pairs:
    """Keep of the pairs that share a point of one side the cheapest, in the points' order."""
    order = np.lexsort((costs[pairs[:, 0], pairs[:, 1]], pairs[:, side]))
    _, first = np.unique(pairs[order, side], return_index=True)
    return pairs[order[first]]
