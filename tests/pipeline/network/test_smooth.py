"""Smoothing keeps what stays, calms what flickers, and does alike in a part and in the whole."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.network.motion import Motion
from pipeline.network.smooth import smooth, with_neighbours


def _frames(values: NDArray[np.float32]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    return enumerate(values)


def _still(_frame: int) -> None:
    """Nothing is known of what moves."""


def test_a_frame_is_averaged_with_those_beside_it() -> None:
    values = np.array([0, 0, 1, 0, 0.4], np.float32)[:, None, None]
    smoothed = [float(value[0, 0]) for _, value in smooth(_frames(values), range(5), _still)]
    assert smoothed == pytest.approx([0, 0.25, 0.5, 0.35, 0.3])


@given(st.integers(1, 12), st.floats(0, 1, width=32))
def test_what_stays_is_kept(count: int, value: float) -> None:
    values = np.full((count, 2, 3), value, np.float32)
    smoothed = list(smooth(_frames(values), range(count), _still))
    assert [frame for frame, _ in smoothed] == list(range(count))
    for _, probability in smoothed:
        assert probability.dtype == np.float32
        np.testing.assert_allclose(probability, value, rtol=1e-6, atol=1e-12)


@given(st.integers(1, 30), st.data())
def test_a_part_equals_the_whole_to_the_last_bit(count: int, data: st.DataObject) -> None:
    values = np.random.default_rng(0).random((count, 2, 3), np.float32)
    wanted = data.draw(st.sets(st.integers(0, count - 1)))
    whole = dict(smooth(_frames(values), range(count), _still))
    near = ((frame, values[frame]) for frame in with_neighbours(wanted, count))
    part = list(smooth(near, wanted, _still))
    assert [frame for frame, _ in part] == sorted(wanted)
    for frame, probability in part:
        np.testing.assert_array_equal(probability, whole[frame])


def test_no_more_frames_are_taken_than_needed() -> None:
    taken: list[int] = []

    def frames() -> Iterator[tuple[int, NDArray[np.float32]]]:
        for frame in range(9):
            taken.append(frame)
            yield frame, np.zeros((1, 1), np.float32)

    next(smooth(frames(), range(9), _still))
    assert taken == [0, 1]


def _moving(rows: int, columns: int, speed: float) -> Motion:
    """Return the motion of a picture that moves to the right, pixels a frame."""
    flow = np.zeros((rows // 2, columns // 2, 2), np.float32)
    flow[..., 0] = speed
    return Motion(np.zeros((rows // 2, columns // 2, 3), np.uint8), -flow, flow)


@pytest.mark.parametrize("enlarged", [1, 2])
def test_what_moves_is_averaged_with_itself(enlarged: int) -> None:
    """The network's picture is 16x32; probabilities may be of one twice as large."""
    values = np.zeros((3, 16 * enlarged, 32 * enlarged), np.float32)
    for t in range(3):
        values[t, :, (8 + 4 * t) * enlarged : (14 + 4 * t) * enlarged] = 1
    motion = _moving(16, 32, speed=4)
    smoothed = dict(smooth(_frames(values), range(3), lambda _: motion))
    np.testing.assert_allclose(smoothed[1], values[1], atol=1e-6)
    plain = dict(smooth(_frames(values), range(3), _still))
    assert np.abs(plain[1] - values[1]).max() == 0.5


def test_frame_at_a_cut_stands_for_the_one_beyond() -> None:
    values = np.array([0, 1, 0.5], np.float32)[:, None, None] * np.ones((1, 16, 32), np.float32)
    cut = Motion(np.zeros((8, 16, 3), np.uint8), None, np.zeros((8, 16, 2), np.float32))
    smoothed = dict(smooth(_frames(values), range(3), lambda frame: cut if frame == 1 else None))
    np.testing.assert_allclose(smoothed[1], 0.25 * 1 + 0.5 * 1 + 0.25 * 0.5)
