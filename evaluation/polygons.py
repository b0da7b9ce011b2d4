"""Polygons around the regions of a mask, simplified and resampled.

Source: Perazzi et al., CVPR 2016, section 4.1 ("we transform P(S) into polygons representing their
contours"); tolerances are the official code's.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from evaluation.outlines import Curve, signed_area, trace
from evaluation.region import Mask

# In half pixels, in which the official code counts. It first does away with straight runs.
TOLERANCES = (0.1, 3.0)
# In pixels.
LONGEST_STEP = np.float32(3)


def longest_contour(mask: Mask) -> NDArray[np.float32] | None:
    """Walk around the polygon with most vertices in a mask (H, W), in steps of 3 pixels at most.

    Returns x and y (P, 2) float32, the last the first again; None for a mask too small.
    """
    longest = None
    # Of three points the last is the first again, so that they bound nothing.
    most = 3
    for curve in trace(mask):
        # A polygon has no more vertices than its curve has corners.
        if len(curve.corners) > most:
            polygon = simplify(curve)
            if len(polygon) > most:
                longest, most = polygon, len(polygon)
    return None if longest is None else resample(longest)


def simplify(curve: Curve) -> NDArray[np.int64]:
    """Leave out corners within the tolerance of the line between those that stay.

    Returns x and y (P, 2) int64, the last the first again, the foreground on the right.

    Source: Douglas and Peucker, "Algorithms for the reduction of the number of points required to
    represent a digitized line or its caricature", Cartographica 1973.
    """
    points = curve.corners.astype(np.float64) * 2
    for tolerance in TOLERANCES:
        points = _far_apart(points, tolerance)
        points = points[_keys(points, tolerance)]
    kept = (points / 2).astype(np.int64)
    if (signed_area(kept) > 0) == curve.hole:
        kept = kept[::-1]
    return kept[:, ::-1]


def resample(polygon: NDArray[np.int64]) -> NDArray[np.float32]:
    """Divide each side of (P, 2) into equal steps of at most 3 pixels.

    Single precision is the official code's, and decides into which bin of a shape context a point
    on the border of two falls.
    """
    vertices = polygon.astype(np.float32)
    points = [vertices[:1]]
    for start, stop in pairwise(vertices):
        side = stop - start
        count = max(1, int(np.ceil(np.sqrt((side**2).sum()) / LONGEST_STEP)))
        steps = np.repeat((side / np.float32(count))[None], count - 1, axis=0)
        points += [np.cumsum(np.concatenate([start[None], steps]), axis=0)[1:], stop[None]]
    return np.concatenate(points)


def _far_apart(points: NDArray[np.float64], tolerance: float) -> NDArray[np.float64]:
    """Drop points closer than the tolerance to the last one kept; the ends stay."""
    kept = [0]
    for number in range(1, len(points) - 1):
        if ((points[number] - points[kept[-1]]) ** 2).sum() >= tolerance**2:
            kept.append(number)
    return points[[*kept, len(points) - 1]]


def _keys(points: NDArray[np.float64], tolerance: float) -> list[int]:
    """Number the points that stay: the ends, and again and again the one farthest from a line."""
    keys = {0, len(points) - 1}
    stretches = [(0, len(points) - 1)]
    while stretches:
        start, stop = stretches.pop()
        if stop - start < 2:
            continue
        distances = _squared_distances(points[start + 1 : stop], points[start], points[stop])
        # Of points equally far, the last.
        key = stop - 1 - int(np.argmax(distances[::-1]))
        if distances[key - start - 1] > tolerance**2:
            keys.add(key)
            stretches += [(start, key), (key, stop)]
    return sorted(keys)


def _squared_distances(
    points: NDArray[np.float64], start: NDArray[np.float64], stop: NDArray[np.float64]
) -> NDArray[np.float64]:
    line = stop - start
    length = float(line @ line)
    if not length:
        return _squared_lengths(points - start)
    dots = (points - start) @ line
    # Single precision is the official code's, and decides between points equally far.
    along = (dots.astype(np.float32) / np.float32(length)).astype(np.float64)
    along[dots <= 0], along[dots >= length] = 0, 1
    return _squared_lengths(points - (start + along[:, None] * line))


def _squared_lengths(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return vectors[:, 0] ** 2 + vectors[:, 1] ** 2
