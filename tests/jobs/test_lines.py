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
