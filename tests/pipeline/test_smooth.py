"""Smoothing keeps what stays, calms what flickers, and does alike in a part and in the whole."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.smooth import smooth, with_neighbours


def _frames(values: NDArray[np.float32]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    return enumerate(values)


def test_a_frame_is_averaged_with_those_beside_it() -> None:
    values = np.array([0, 0, 1, 0, 0.4], np.float32)[:, None, None]
    smoothed = [float(value[0, 0]) for _, value in smooth(_frames(values), range(5))]
    assert smoothed == pytest.approx([0, 0.25, 0.5, 0.35, 0.3])


@given(st.integers(1, 12), st.floats(0, 1, width=32))
def test_what_stays_is_kept(count: int, value: float) -> None:
    values = np.full((count, 2, 3), value, np.float32)
    smoothed = list(smooth(_frames(values), range(count)))
    assert [frame for frame, _ in smoothed] == list(range(count))
    for _, probability in smoothed:
        assert probability.dtype == np.float32
        np.testing.assert_allclose(probability, value, rtol=1e-6, atol=1e-12)


@given(st.integers(1, 30), st.data())
def test_a_part_equals_the_whole_to_the_last_bit(count: int, data: st.DataObject) -> None:
    values = np.random.default_rng(0).random((count, 2, 3), np.float32)
    wanted = data.draw(st.sets(st.integers(0, count - 1)))
    whole = dict(smooth(_frames(values), range(count)))
    near = ((frame, values[frame]) for frame in with_neighbours(wanted, count))
    part = list(smooth(near, wanted))
    assert [frame for frame, _ in part] == sorted(wanted)
    for frame, probability in part:
        np.testing.assert_array_equal(probability, whole[frame])


def test_no_more_frames_are_taken_than_needed() -> None:
    taken: list[int] = []

    def frames() -> Iterator[tuple[int, NDArray[np.float32]]]:
        for frame in range(9):
            taken.append(frame)
            yield frame, np.zeros((1, 1), np.float32)

    next(smooth(frames(), range(9)))
    assert taken == [0, 1]
