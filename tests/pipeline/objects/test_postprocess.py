"""Probability maps are cut into the objects that a person would point at."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.objects import rle
from pipeline.objects.postprocess import MAX_OBJECTS, find_objects, primary


def _blobs() -> NDArray[np.float32]:
    probability = np.zeros((100, 120), np.float32)
    probability[10:20, 30:50] = 0.6  # 200 pixels
    probability[60:90, 5:25] = 0.9  # 600 pixels
    probability[90:93, 25:27] = 0.8  # touches the one before by a corner
    probability[50, 100:105] = 0.9  # 5 pixels: noise
    return probability


def test_components_are_apart_largest_first() -> None:
    first, second = find_objects(_blobs(), 0.5)
    assert (first.area, first.box) == (606, (5, 60, 22, 33))
    assert first.score == pytest.approx((600 * 0.9 + 6 * 0.8) / 606)
    assert (second.area, second.box, second.track) == (200, (30, 10, 20, 10), None)
    assert second.score == pytest.approx(0.6)


def test_primary_is_what_is_half_as_large_as_the_largest() -> None:
    probability = _blobs()
    probability[10:20, 60:70] = 0.6  # 100 pixels
    probability[20:30, 30:42] = 0.6  # 200 and 120 pixels make 320
    mask = primary(probability >= 0.5)
    assert mask.sum() == 606 + 320
    assert not mask[10:20, 60:70].any()


def test_a_pixel_at_the_threshold_is_foreground() -> None:
    probability = np.full((10, 10), 0.7, np.float32)
    assert find_objects(probability, float(np.float32(0.7)))[0].area == 100
    assert find_objects(probability, 0.71) == ()


@pytest.mark.parametrize("side", [0, 3])
def test_an_empty_or_noisy_frame_holds_no_object(side: int) -> None:
    probability = np.zeros((100, 100), np.float32)
    probability[:side, :side] = 1
    assert find_objects(probability, 0.5) == ()


def test_only_the_largest_of_many_pieces_are_kept() -> None:
    probability = np.zeros((60, 600), np.float32)
    for piece in range(75):
        probability[: 8 + piece % 3, 8 * piece : 8 * piece + 6] = 1
    objects = find_objects(probability, 0.5)
    assert [o.area for o in objects] == [60] * 25 + [54] * 25
    assert len(objects) == MAX_OBJECTS


@given(arrays(np.float32, (12, 15), elements=st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])))
def test_components_are_scipys(probability: NDArray[np.float32]) -> None:
    labels, count = ndimage.label(probability >= 0.5, np.ones((3, 3)))
    wanted = {(labels == label).tobytes() for label in range(1, count + 1)}
    objects = find_objects(probability, 0.5)
    assert {rle.decode(o.mask).tobytes() for o in objects} == wanted
    for object_ in objects:
        assert object_.area == rle.area(object_.mask)
        assert object_.box == rle.box(object_.mask)
        inside = probability[rle.decode(object_.mask)]
        assert object_.score == pytest.approx(inside.mean())
