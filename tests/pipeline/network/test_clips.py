"""Clips cover every frame, and a part's clips are those of the whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.network.clips import clip_frames, clip_starts, clips_of

counts = st.integers(1, 200)
strides = st.integers(1, 8)


@given(counts, strides)
def test_clips_cover_every_frame_and_no_other(frame_count: int, stride: int) -> None:
    starts = clip_starts(frame_count, 8, stride)
    covered = {frame for start in starts for frame in range(start, start + 8)}
    assert covered == set(range(max(frame_count, 8)))
    assert (starts[1:] > starts[:-1]).all()


@given(counts, strides, st.data())
def test_some_frames_take_the_wholes_clips_that_hold_them(
    frame_count: int, stride: int, data: st.DataObject
) -> None:
    frames = data.draw(st.sets(st.integers(0, frame_count - 1)))
    whole = clip_starts(frame_count, 8, stride).tolist()
    wanted = [s for s in whole if frames.intersection(clip_frames(s, frame_count, 8))]
    assert clips_of(frames, frame_count, 8, stride) == wanted


@pytest.mark.parametrize(("frame_count", "stride"), [(0, 6), (10, 0), (10, 9)])
def test_impossible_clips_are_refused(frame_count: int, stride: int) -> None:
    with pytest.raises(ValueError, match="must"):
        clip_starts(frame_count, 8, stride)


@pytest.mark.parametrize("frame", [-1, 10])
def test_a_frame_outside_of_the_video_is_refused(frame: int) -> None:
    with pytest.raises(ValueError, match=f"must be 0 to 9, got {frame}"):
        clips_of([3, frame], 10, 8, 6)
