"""Run lengths against COCO's published values, numpy, and themselves."""

import numpy as np
import pycocotools.mask as coco
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from pipeline.objects import rle
from pipeline.values import Rle

masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12))


@pytest.mark.parametrize(
    ("mask", "counts"),
    [
        (np.zeros((3, 5), bool), "?"),
        (np.ones((3, 5), bool), "0?"),
        # Column-major: one column of three zeros, then one of three ones.
        (np.array([[0, 1], [0, 1], [0, 1]], bool), "33"),
        (np.array([[1, 0], [0, 0]], bool), "013"),
    ],
)
def test_counts_are_cocos(mask: NDArray[np.bool_], counts: str) -> None:
    assert rle.encode(mask) == Rle(mask.shape[0], mask.shape[1], counts)


@given(masks)
def test_decoding_restores_the_mask(mask: NDArray[np.bool_]) -> None:
    np.testing.assert_array_equal(rle.decode(rle.encode(mask)), mask)


@given(masks)
def test_counts_are_those_of_cocos_own_encoder(mask: NDArray[np.bool_]) -> None:
    wanted = coco.encode(np.asfortranarray(mask, np.uint8))["counts"].decode()
    assert rle.encode(mask).counts == wanted
    x, _, width, _ = rle.box(rle.encode(mask))
    assert rle.encode(mask, slice(x, x + width)).counts == wanted


@given(masks)
def test_area_and_box_are_the_masks(mask: NDArray[np.bool_]) -> None:
    encoded = rle.encode(mask)
    assert rle.area(encoded) == mask.sum()
    if not mask.any():
        assert rle.box(encoded) == (0, 0, 0, 0)
        return
    rows, columns = np.nonzero(mask)
    x, y, width, height = rle.box(encoded)
    assert (x, x + width) == (columns.min(), columns.max() + 1)
    assert (y, y + height) == (rows.min(), rows.max() + 1)


@given(st.lists(arrays(bool, (4, 6)), max_size=3), st.lists(arrays(bool, (4, 6)), max_size=3))
def test_iou_is_intersection_over_union(
    rows: list[NDArray[np.bool_]], columns: list[NDArray[np.bool_]]
) -> None:
    ratios = rle.iou([rle.encode(m) for m in rows], [rle.encode(m) for m in columns])
    assert ratios.shape == (len(rows), len(columns))
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            union = (row | column).sum()
            assert ratios[i, j] == pytest.approx((row & column).sum() / union if union else 0)


def test_any_nonzero_byte_is_foreground() -> None:
    assert rle.encode(np.array([[0, 255], [3, 0]], np.uint8)) == rle.encode(
        np.array([[0, 1], [1, 0]], bool)
    )


def test_a_mask_is_shifted_and_its_distance_told() -> None:
    mask = np.zeros((8, 12), bool)
    mask[2:4, 1:4] = True
    one = rle.encode(mask)
    assert rle.box(rle.shifted(one, 4.6, -1.2)) == (6, 1, 3, 2)
    assert rle.box(rle.shifted(one, -2, 0)) == (0, 2, 2, 2)
    assert rle.distance(one, rle.shifted(one, 5, 0)) == pytest.approx(3, abs=0.2)
    assert rle.distance(one, rle.shifted(one, 20, 0)) == np.inf
