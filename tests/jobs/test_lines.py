"""Frames as lines: what a step writes is what the next one reads."""

import json

from hypothesis import given
from hypothesis import strategies as st

from jobs.lines import from_part, to_line, to_part
from pipeline.values import Rle, SegmentedFrame, SegmentedObject

sides = st.integers(0, 10_000)
objects = st.builds(
    SegmentedObject,
    mask=st.builds(Rle, sides, sides, st.text()),
    box=st.tuples(sides, sides, sides, sides),
    area=st.integers(0, 10**8),
    score=st.floats(0, 1),
    track=st.none() | st.integers(1),
    actions=st.just({})
    | st.fixed_dictionaries({label: st.floats(-50, -0.01) for label in ("none", "run")}),
)
frames = st.builds(
    SegmentedFrame,
    st.integers(0),
    st.floats(0, 1e6),
    st.lists(objects, max_size=3).map(tuple),
)


@given(frames)
def test_part_gives_back_the_very_same_frame(frame: SegmentedFrame) -> None:
    line = to_part(frame)
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert from_part(line) == frame


@given(frames)
def test_line_of_the_result_holds_masks_only_if_asked(frame: SegmentedFrame) -> None:
    with_masks, without = (json.loads(to_line(frame, masks)) for masks in ("rle", "none"))
    for item, found in zip(with_masks["objects"], frame.objects, strict=True):
        mask = item.pop("segmentation")
        assert mask == {"size": [found.mask.height, found.mask.width], "counts": found.mask.counts}
    assert with_masks == without


def test_a_result_tells_the_most_probable_action() -> None:
    found = SegmentedObject(
        mask=Rle(2, 3, "06"),
        box=(0, 0, 3, 2),
        area=6,
        score=0.9,
        track=1,
        actions={"none": -1.8, "run": -0.25, "walk": -2.9},
    )
    line = json.loads(to_line(SegmentedFrame(0, 0.0, (found,)), "rle"))
    assert line["objects"][0]["action"] == {"label": "run", "score": 0.7788}
    assert "actions" not in line["objects"][0]
