"""Tasks of Label Studio, whose brushes its SDK decodes."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from formats.labelstudio import labelstudio, pack
from tests.formats.peers import load
from tests.formats.results import HEIGHT, WIDTH, sample

BRUSH = load("label-studio-sdk", "label_studio_sdk/converter/brush.py")


def tasks(*, with_masks: bool) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = json.loads(
        "".join(labelstudio(sample(with_masks=with_masks).result))
    )
    return made


def test_each_brush_is_the_mask() -> None:
    made = sample()
    for task, (index, masks) in zip(tasks(with_masks=True), made.masks.items(), strict=True):
        assert (task["data"]["frame_index"], task["data"]["image"]) == (index, f"{index:05d}.jpg")
        (prediction,) = task["predictions"]
        regions = prediction["result"]
        meta = {1: {"track": 1}, 2: {"track": 2, "action": "run"}}
        assert [region["meta"] for region in regions] == [meta[track] for track in masks]
        flat = [region | region["value"] for region in regions]  # as the SDK's converter has them
        layers = BRUSH.decode_from_annotation("mask", flat)
        for layer, mask in zip(layers.values(), masks.values(), strict=True):
            assert set(np.unique(layer)) == {0, 255}
            np.testing.assert_array_equal(layer == 255, mask)


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.booleans()))
def test_any_mask_is_packed(mask: NDArray[np.bool_]) -> None:
    unpacked = BRUSH.decode_rle(pack(mask)).reshape(*mask.shape, 4)
    np.testing.assert_array_equal(unpacked == 255, np.repeat(mask[..., None], 4, axis=2))


def test_long_runs_are_split() -> None:
    mask = np.zeros((300, 200), bool)
    mask[120:] = True
    unpacked = BRUSH.decode_rle(pack(mask)).reshape(300, 200, 4)
    np.testing.assert_array_equal(unpacked[..., 3] == 255, mask)
    assert len(pack(mask)) < 30


def test_without_masks_there_are_rectangles_in_percent() -> None:
    made = sample()
    for task, masks in zip(tasks(with_masks=False), made.masks.values(), strict=True):
        regions = task["predictions"][0]["result"]
        for region, mask in zip(regions, masks.values(), strict=True):
            assert region["type"] == "rectanglelabels"
            value = region["value"]
            rows, columns = np.nonzero(mask)
            left, top = value["x"] * WIDTH / 100, value["y"] * HEIGHT / 100
            assert (left, top) == pytest.approx((columns.min(), rows.min()))
            right, bottom = (
                left + value["width"] * WIDTH / 100,
                top + value["height"] * HEIGHT / 100,
            )
            assert (right, bottom) == pytest.approx((columns.max() + 1, rows.max() + 1))
