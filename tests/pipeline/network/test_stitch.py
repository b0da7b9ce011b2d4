"""Stitching averages what overlaps and gives every wanted frame once."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.network.clips import clip_starts, clips_of
from pipeline.network.stitch import stitch

LENGTH = 8


def _clip(first: int, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cut a clip from per-frame pictures (T, H, W); past the end the last one is repeated."""
    frames = np.minimum(np.arange(first, first + LENGTH), len(values) - 1)
    return np.asarray(values[frames])


@given(st.integers(1, 60), st.integers(1, LENGTH))
def test_clips_of_one_video_stitch_to_it(frame_count: int, stride: int) -> None:
    values = np.random.default_rng(0).random((frame_count, 2, 3), np.float32)
    starts = [int(start) for start in clip_starts(frame_count, LENGTH, stride)]
    stitched = list(stitch((_clip(s, values) for s in starts), starts, range(frame_count)))
    assert [frame for frame, _ in stitched] == list(range(frame_count))
    np.testing.assert_allclose([value for _, value in stitched], values, rtol=1e-6)


@given(st.integers(1, 60), st.integers(1, LENGTH), st.data())
def test_a_part_equals_the_whole_to_the_last_bit(
    frame_count: int, stride: int, data: st.DataObject
) -> None:
    wanted = data.draw(st.sets(st.integers(0, frame_count - 1)))
    starts = clip_starts(frame_count, LENGTH, stride)
    # Each clip has its own opinion of a frame, so that a missing clip shows.
    opinions = {
        int(s): np.random.default_rng(int(s)).random((LENGTH, 2, 3), np.float32) for s in starts
    }
    whole = dict(stitch(opinions.values(), list(opinions), range(frame_count)))
    needed = clips_of(wanted, frame_count, LENGTH, stride)
    part = list(stitch((opinions[s] for s in needed), needed, wanted))
    assert [frame for frame, _ in part] == sorted(wanted)
    for frame, value in part:
        np.testing.assert_array_equal(value, whole[frame])


def test_overlapping_clips_are_averaged() -> None:
    clips = [np.full((2, 1, 1), value, np.float32) for value in (0.2, 0.6)]
    values = [float(value[0, 0]) for _, value in stitch(clips, [0, 1], range(3))]
    assert values == pytest.approx([0.2, 0.4, 0.6])


def test_frames_come_as_soon_as_no_clip_can_add_to_them() -> None:
    starts = [0, 6, 12]
    given_clips: list[int] = []

    def clips() -> Iterator[NDArray[np.float32]]:
        for first in starts:
            given_clips.append(first)
            yield np.zeros((LENGTH, 1, 1), np.float32)

    known = [(frame, len(given_clips)) for frame, _ in stitch(clips(), starts, range(20))]
    assert known == [(f, 1 if f < 6 else 2 if f < 12 else 3) for f in range(20)]
