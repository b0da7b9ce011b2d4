"""Shape contexts: how the other points of a contour lie around each of its points.

Source: Belongie, Malik and Puzicha, "Shape Matching and Object Recognition Using Shape Contexts",
PAMI 2002, section 3.1.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

ANGLES = 12
# Outer radii of the rings, in mean distances between two points of the contour.
RADII = np.logspace(np.log10(1 / 8), np.log10(2), 5)


def shape_contexts(points: NDArray[np.float32]) -> NDArray[np.float64]:
    """Describe each of the points (P, 2) by a histogram (P, 60) of where all lie around it.

    It is the part of those within reach in each sector of a ring; a point sees itself, at 0.
    """
    count = len(points)
    distances = cdist(points, points)
    rings = np.searchsorted(RADII, distances / distances.mean(), side="right")
    x, y = points.astype(np.float64).T
    angles = np.arctan2(y[None] - y[:, None], x[None] - x[:, None]) + 2 * np.pi
    angles[angles >= 2 * np.pi] -= 2 * np.pi
    sectors = np.floor(angles / (2 * np.pi / ANGLES)).astype(np.int64)
    bins = len(RADII) * ANGLES
    cells = np.arange(count)[:, None] * bins + rings * ANGLES + sectors
    counts = np.bincount(cells[rings < len(RADII)], minlength=count * bins).reshape(count, bins)
    parts: NDArray[np.float64] = counts / counts.sum(axis=1, keepdims=True)
    return parts


def matching_costs(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compare shape contexts (P, 60) and (Q, 60) by Equation 1, 0 if equal to 1 if disjoint."""
    # As a and b each add up to 1, the sum is 2 - 4 sum(ab / (a + b)); most cells of a or b are 0.
    shared = np.zeros((len(first), len(second)))
    for a, b in zip(first.T, second.T, strict=True):
        rows, columns = np.flatnonzero(a), np.flatnonzero(b)
        left, right = a[rows, None], b[columns]
        shared[rows[:, None], columns] += left * right / (left + right)
    return np.maximum(1 - 2 * shared, 0)
