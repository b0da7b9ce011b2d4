"""CVAT for video, read as CVAT's importer does and decoded by its SDK."""

from collections.abc import Iterator
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from numpy.typing import NDArray

from formats.cvat import cvat
from formats.result import Result
from tests.formats.peers import load
from tests.formats.results import EVERY, FRAMES, HEIGHT, WIDTH, sample

MASKS = load("cvat-sdk", "cvat_sdk/masks.py")


def imported(document: str) -> Iterator[tuple[int, int, NDArray[np.bool_]]]:
    """Take from each track what CVAT's `load_anno` does: its first mask."""
    for track in ET.fromstring(document).iter("track"):
        assert track.attrib["label"] == "object"
        shape = track[0]
        assert shape.tag == "mask"
        assert (shape.attrib["keyframe"], shape.attrib["outside"]) == ("1", "0")
        attributes = {each.attrib["name"]: each.text or "" for each in shape}
        assert attributes.get("action") == ("run" if attributes["track"] == "2" else None)
        left, top = int(shape.attrib["left"]), int(shape.attrib["top"])
        points = list(map(int, shape.attrib["rle"].split(",")))
        points += [left, top]
        points.append(left + int(shape.attrib["width"]) - 1)
        points.append(top + int(shape.attrib["height"]) - 1)
        mask = MASKS.decode_mask(points, image_width=WIDTH, image_height=HEIGHT)
        assert points == MASKS.encode_mask(mask)
        yield int(shape.attrib["frame"]), int(attributes["track"]), mask


def test_cvat_takes_every_mask() -> None:
    made = sample()
    found = list(imported("".join(cvat(made.result))))
    assert [(index, track) for index, track, _ in found] == [
        (index, track) for index, masks in made.masks.items() for track in masks
    ]
    for index, track, mask in found:
        np.testing.assert_array_equal(mask, made.masks[index][track])


def test_a_mask_ends_with_its_frame() -> None:
    made = sample()
    tracks = list(ET.fromstring("".join(cvat(made.result))).iter("track"))
    assert [track.attrib["id"] for track in tracks] == [str(n) for n in range(13)]
    for track in tracks:
        shown, gone = track
        assert int(gone.attrib["frame"]) == int(shown.attrib["frame"]) + 1
        assert gone.attrib["outside"] == "1"


def test_the_task_and_its_label_are_described() -> None:
    summary = sample().summary
    result = Result.of(summary, "a & b.mp4", lambda: [])
    root = ET.fromstring("".join(cvat(result)))
    assert root.findtext("version") == "1.1"
    task = root.find("meta/task")
    assert task is not None
    assert task.findtext("name") == "a & b"
    assert (task.findtext("size"), task.findtext("stop_frame")) == ("18", "17")
    assert task.findtext("original_size/width") == str(WIDTH)
    assert task.findtext("original_size/height") == str(HEIGHT)
    assert task.findtext("labels/label/name") == "object"
    names = [each.text for each in task.findall("labels/label/attributes/attribute/name")]
    assert names == ["track", "action"]


def test_without_masks_each_track_is_one_of_boxes() -> None:
    made = sample(with_masks=False)
    root = ET.fromstring("".join(cvat(made.result)))
    first, second = root.iter("track")
    assert [track.attrib["id"] for track in (first, second)] == ["1", "2"]
    states = [(int(box.attrib["frame"]), box.attrib["outside"]) for box in second]
    seen = [(index, "0") for index in (2, 4)] + [(6, "1")]
    assert states == seen + [(index, "0") for index in (10, 12, 14)] + [(16, "1")]
    (frame,) = (box for box in first if box.attrib["frame"] == str(EVERY * (FRAMES - 1)))
    rows, columns = np.nonzero(made.masks[EVERY * (FRAMES - 1)][1])
    corners = [float(frame.attrib[name]) for name in ("xtl", "ytl", "xbr", "ybr")]
    expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert corners == pytest.approx(expected)
