"""Region similarity."""

import numpy as np
import pytest

from evaluation.region import intersection_and_union, region_similarity
from tests.evaluation.masks import golden, golden_masks, smooth_masks

EMPTY = np.zeros((4, 6), np.bool_)


def test_counts_pixels() -> None:
    left, right = EMPTY.copy(), EMPTY.copy()
    left[:, :3] = True
    right[:, 2:] = True
    assert intersection_and_union(left, right) == (4, 24)
    assert region_similarity(left, right) == 4 / 24


def test_two_empty_masks_agree_and_one_does_not() -> None:
    assert region_similarity(EMPTY, EMPTY) == 1
    assert region_similarity(EMPTY, ~EMPTY) == 0
    assert region_similarity(~EMPTY, EMPTY) == 0


def test_refuses_masks_of_two_sizes() -> None:
    with pytest.raises(ValueError, match=r"got \(4, 6\) and \(6, 4\)"):
        region_similarity(EMPTY, EMPTY.T)


def test_refuses_grey_masks() -> None:
    with pytest.raises(ValueError, match="uint8"):
        region_similarity(EMPTY.astype(np.uint8), EMPTY)


def test_agrees_with_pycocotools() -> None:
    from pycocotools import mask as coco  # noqa: PLC0415 - only this test needs it

    for predicted, truth in zip(smooth_masks(1, 5), smooth_masks(2, 5), strict=True):
        first, second = (
            coco.encode(np.asfortranarray(mask, dtype=np.uint8)) for mask in (predicted, truth)
        )
        expected = coco.iou([first], [second], [0])[0, 0]
        assert region_similarity(predicted, truth) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ["seq1", "seq3"])
def test_agrees_with_the_reference_values(name: str) -> None:
    expected = golden("davis.json")[name]["J_frames"]
    predicted, truth = golden_masks(name)
    values = [region_similarity(*pair) for pair in zip(predicted, truth, strict=True)]
    assert values[1:-1] == pytest.approx(expected, abs=1e-12)
