"""Simplified and resampled polygons."""

import cv2
import numpy as np

from evaluation.outlines import trace
from evaluation.polygons import longest_contour, resample, simplify
from tests.evaluation.masks import smooth_masks


def test_a_square_keeps_its_corners_and_has_the_foreground_on_its_right() -> None:
    mask = np.zeros((30, 40), np.bool_)
    mask[10:20, 5:25] = True
    (curve,) = trace(mask)
    assert simplify(curve).tolist() == [[5, 10], [25, 10], [25, 20], [5, 20], [5, 10]]


def test_sides_are_divided_into_equal_steps_of_at_most_three_pixels() -> None:
    points = resample(np.array([[0, 0], [3, 0], [3, 10], [0, 0]]))
    assert points.dtype == np.float32
    assert points[:3].tolist() == [[0, 0], [3, 0], [3, 2.5]]
    assert np.hypot(*np.diff(points, axis=0).T).max() <= 3
    assert points[-1].tolist() == [0, 0]


def test_a_polygon_stays_within_the_tolerance_of_the_outline() -> None:
    for mask in smooth_masks(6, 3):
        curve = max(trace(mask), key=lambda curve: len(curve.corners))
        polygon = simplify(curve)
        assert 3 < len(polygon) < len(curve.corners) / 4
        farthest = max(
            -cv2.pointPolygonTest(polygon.astype(np.float32), corner[::-1].tolist(), True)
            for corner in curve.corners.astype(float)
        )
        # Half pixels: 3 for dropping close points and 3 for straightening.
        assert farthest <= 3


def test_takes_the_polygon_with_most_corners() -> None:
    mask = np.zeros((100, 100), np.bool_)
    mask[60:98, 2:98] = True
    disk = np.zeros((100, 100), np.uint8)
    cv2.circle(disk, (50, 25), 20, 1, -1)
    contour = longest_contour(mask | disk.astype(np.bool_))
    assert contour is not None
    assert contour[:, 1].max() <= 47


def test_a_mask_without_a_polygon_has_no_contour() -> None:
    mask = np.zeros((20, 20), np.bool_)
    assert longest_contour(mask) is None
    mask[4, 4] = True
    assert longest_contour(mask) is None
