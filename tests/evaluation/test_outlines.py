"""Closed curves around the regions of a mask."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from evaluation.outlines import signed_area, trace
from tests.evaluation.masks import smooth_masks


def picture(*rows: str) -> NDArray[np.bool_]:
    return np.array([[pixel == "#" for pixel in row] for row in rows])


def filled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fill the curves of a mask, so that tracing is undone: by parity, pixel by pixel."""
    inside = np.zeros(mask.shape, np.bool_)
    for curve in trace(mask):
        for before, after in zip(curve.corners[:-1], curve.corners[1:], strict=True):
            if before[1] == after[1]:
                # Crossing a vertical edge flips everything to its right.
                inside[min(before[0], after[0]), before[1] :] ^= True
    return inside


def test_goes_around_a_pixel_downwards_first() -> None:
    (curve,) = trace(picture("...", ".#.", "..."))
    assert curve.corners.tolist() == [[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]
    assert not curve.hole


def test_tells_a_hole_and_lists_the_last_start_first() -> None:
    hole, outer = trace(picture("####", "#..#", "####"))
    assert (hole.hole, outer.hole) == (True, False)
    assert hole.corners[0].tolist() == [1, 1]
    assert outer.corners[0].tolist() == [0, 0]
    assert abs(signed_area(hole.corners)) == 2 * 2
    assert abs(signed_area(outer.corners)) == 2 * 12


def test_turns_where_two_pixels_touch_at_a_corner() -> None:
    curves = trace(picture("#.", ".#"))
    assert sorted(len(curve.corners) for curve in curves) == [5, 5]
    assert not any(curve.hole for curve in curves)


def test_a_ring_closed_at_a_corner_has_an_inside() -> None:
    # The ring is open at the upper right but for a corner.
    curves = trace(picture("##.", "#.#", "###"))
    assert len(curves) == 2
    areas = sorted((curve.hole, abs(signed_area(curve.corners))) for curve in curves)
    assert areas == [(False, 2 * 8), (True, 2 * 1)]


def test_an_empty_mask_has_no_curve() -> None:
    assert trace(np.zeros((5, 7), np.bool_)) == []


@settings(max_examples=200)
@given(st.integers(1, 8), st.integers(1, 8), st.data())
def test_filling_undoes_tracing(height: int, width: int, data: st.DataObject) -> None:
    pixels = data.draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width))
    mask = np.array(pixels).reshape(height, width)
    assert np.array_equal(filled(mask), mask)
    for curve in trace(mask):
        steps = np.abs(np.diff(curve.corners, axis=0)).sum(axis=1)
        assert (steps == 1).all()
        assert (curve.corners[0] == curve.corners[-1]).all()
        # No curve passes a corner twice, not even a saddle.
        assert len(np.unique(curve.corners[1:], axis=0)) == len(curve.corners) - 1


def test_areas_and_count_agree_with_opencv() -> None:
    for mask in smooth_masks(5, 4):
        curves = trace(mask)
        area = sum((-1 if curve.hole else 1) * abs(signed_area(curve.corners)) for curve in curves)
        assert area == 2 * mask.sum()
        regions = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[0] - 1
        assert sum(not curve.hole for curve in curves) == pytest.approx(regions, abs=1)
