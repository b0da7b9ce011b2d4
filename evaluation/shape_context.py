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
    """Describe each point of a contour by a histogram of the directions and distances to all.

    Args:
        points: (P, 2) float32, x and y.

    Returns:
        (P, 60) float64, the part of the points within reach that is in each sector of a ring.
        A point sees itself, at angle and distance 0.
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
    """Compare every point of one contour with every point of another.

    Args:
        first: (P, 60) float64, shape contexts.
        second: (Q, 60) float64, likewise.

    Returns:
        (P, Q) float64, 0 for equal histograms to 1 for ones that share no cell: half the sum of
        (a - b)^2 / (a + b) over the cells.

    Source: Belongie et al., PAMI 2002, equation 1.
    """
    # As a and b each add up to 1, the sum is 2 - 4 sum(ab / (a + b)); most cells of a or b are 0.
    shared = np.zeros((len(first), len(second)))
    for a, b in zip(first.T, second.T, strict=True):
        rows, columns = np.flatnonzero(a), np.flatnonzero(b)
        left, right = a[rows, None], b[columns]
        shared[rows[:, None], columns] += left * right / (left + right)
    return np.maximum(1 - 2 * shared, 0)
