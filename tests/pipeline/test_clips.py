"""Clips cover every frame, and a part's clips are those of the whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.clips import clip_starts, clips_of

counts = st.integers(1, 200)
strides = st.integers(1, 8)


@given(counts, strides)
def test_clips_cover_every_frame_and_no_other(frame_count: int, stride: int) -> None:
    starts = clip_starts(frame_count, 8, stride)
    covered = {frame for start in starts for frame in range(start, start + 8)}
    assert covered == set(range(max(frame_count, 8)))
    assert (starts[1:] > starts[:-1]).all()


@given(counts, strides, st.data())
def test_a_part_takes_the_wholes_clips_that_hold_its_frames(
    frame_count: int, stride: int, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, frame_count - 1))
    stop = data.draw(st.integers(start + 1, frame_count))
    whole = clip_starts(frame_count, 8, stride).tolist()
    wanted = [s for s in whole if set(range(s, s + 8)) & set(range(start, stop))]
    assert clips_of(start, stop, frame_count, 8, stride).tolist() == wanted


@pytest.mark.parametrize(("frame_count", "stride"), [(0, 6), (10, 0), (10, 9)])
def test_impossible_clips_are_refused(frame_count: int, stride: int) -> None:
    with pytest.raises(ValueError, match="wanted"):
        clip_starts(frame_count, 8, stride)


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (3, 3), (5, 11)])
def test_a_range_outside_of_the_video_is_refused(start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="within 0 to 10"):
        clips_of(start, stop, 10, 8, 6)
