"""Frames as `supervision.Detections`, held against the masks that they are made of."""

import json
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import supervision as sv

from rotograph import Action, Frame, Result, as_detections
from tests.formats.results import EVERY, HEIGHT, WIDTH, Sample, sample


def result_of(made: Sample) -> Result:
    frames: list[dict[str, Any]] = [json.loads(line) for line in made.lines]
    return Result.from_json(made.summary | {"frames": frames})


def test_each_object_is_a_detection() -> None:
    made = sample()
    for frame in result_of(made).frames:
        masks = made.masks[frame.index]
        found = as_detections(frame)
        assert len(found) == len(masks)
        if not masks:
            continue
        assert found.tracker_id is not None
        assert found.mask is not None
        assert found.tracker_id.tolist() == list(masks)
        np.testing.assert_array_equal(np.asarray(found.mask), np.stack(list(masks.values())))
        last_pixels = sv.mask_to_xyxy(np.asarray(found.mask))
        np.testing.assert_array_equal(found.xyxy - last_pixels, [[0, 0, 1, 1]] * len(masks))
        assert found.confidence == pytest.approx([0.75] * len(masks))
        np.testing.assert_array_equal(found.class_id, [0] * len(masks))
        assert list(found.data["class_name"]) == ["object"] * len(masks)
        assert "action" not in found.data


def test_a_frame_of_nothing_has_no_detections() -> None:
    found = as_detections(Frame(index=6, time_s=0.2, objects=()))
    assert found.is_empty()
    assert found.mask is None
    assert found.tracker_id is not None
    assert (found.xyxy.shape, found.tracker_id.shape) == ((0, 4), (0,))


def test_without_masks_there_are_boxes() -> None:
    found = as_detections(result_of(sample(with_masks=False)).frames[1])
    assert found.mask is None
    assert found.xyxy.shape == (2, 4)


def test_actions_are_told() -> None:
    frame = result_of(sample()).frames[1]
    walking, idle = frame.objects
    objects = (
        replace(walking, action=Action("walk", 0.8)),
        replace(idle, action=Action("none", 1)),
    )
    found = as_detections(replace(frame, objects=objects))
    assert list(found.data["action"]) == ["walk", "none"]


def test_supervision_draws_and_follows_them() -> None:
    made = sample()
    frames = result_of(made).frames
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    drawn = sv.MaskAnnotator(opacity=1).annotate(picture.copy(), as_detections(frames[1]))
    anywhere = np.any(list(made.masks[EVERY].values()), axis=0)
    np.testing.assert_array_equal(drawn.any(axis=2), anywhere)
    trace = sv.TraceAnnotator()
    for frame in frames:
        trace.annotate(picture, as_detections(frame))


def test_without_supervision_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(ImportError, match="pip install supervision"):
        as_detections(Frame(index=0, time_s=0, objects=()))
