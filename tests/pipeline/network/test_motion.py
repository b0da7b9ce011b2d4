"""What moves by itself stands out, whatever the camera does."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.network.motion import MotionEstimator, motion_map, residual

HEIGHT, WIDTH = 128, 192


def _texture(seed: int) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    blurred = cv2.GaussianBlur(noise.astype(np.float32), (0, 0), 2.5)
    return np.clip(128 + 5 * (blurred - 128), 0, 255).astype(np.uint8)


def _scene(pan: float, own: float, count: int = 3) -> list[NDArray[np.uint8]]:
    """Show a square before a ground, each with its speed to the right, pixels a frame."""
    ground, square = _texture(0), _texture(1)
    frames = []
    for t in range(count):
        shift = np.array([[1, 0, pan * t], [0, 1, 0]], np.float32)
        frame = cv2.warpAffine(ground, shift, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
        left = round(80 + own * t)
        frame[48:88, left : left + 40] = square[48:88, 80:120]
        frames.append(np.asarray(frame, np.uint8))
    return frames


def _inside_and_outside(channel: NDArray[np.uint8]) -> tuple[float, float]:
    """Return the mean over the square's middle and over what is far from it."""
    outside = np.ones(channel.shape, bool)
    outside[16:52, 30:76] = False
    return float(channel[28:40, 46:56].mean()), float(channel[outside].mean())


@pytest.mark.parametrize("pan", [0.0, 3.0, -4.0])
def test_what_moves_by_itself_stands_out(pan: float) -> None:
    motion = MotionEstimator().maps(_scene(pan, own=pan + 3.0))
    assert motion.shape == (3, HEIGHT // 2, WIDTH // 2, 3)
    for channel in range(3):
        inside, outside = _inside_and_outside(motion[1, ..., channel])
        assert inside > 3 * outside + 20


def test_what_moves_with_the_camera_does_not() -> None:
    motion = MotionEstimator().maps(_scene(3.0, own=3.0))
    inside, outside = _inside_and_outside(motion[1, ..., 0])
    assert abs(inside - outside) < 30


def test_still_picture_has_no_motion() -> None:
    assert MotionEstimator().maps([_texture(0)] * 3).max() < 10


def test_missing_neighbour_has_no_motion() -> None:
    motion = MotionEstimator().maps(_scene(0.0, own=2.0))
    assert not motion[0, ..., 0].any()
    assert motion[0, ..., 1].any()
    assert not motion[-1, ..., 1].any()
    assert not MotionEstimator().maps([_texture(0)]).any()


def test_what_moves_by_itself_is_told_without_the_camera() -> None:
    motion = MotionEstimator().estimate(*_scene(pan=3.0, own=6.0))
    assert motion.own is not None
    across, down = np.moveaxis(motion.own[28:40, 46:56], -1, 0)
    assert 1.5 < across.mean() < 3.5
    assert abs(down.mean()) < 0.3
    np.testing.assert_allclose(np.median(motion.own, axis=(0, 1)), [0.0, 0.0], atol=0.1)


def test_last_frame_moves_as_it_did_since_the_one_before() -> None:
    frames = _scene(pan=0.0, own=4.0)
    last = MotionEstimator().estimate(frames[0], frames[1], None)
    assert last.own is not None
    assert 2.0 < last.own[28:40, 50:56, 0].mean() < 4.5
    assert MotionEstimator().estimate(None, frames[1], None).own is None


def test_cut_has_no_motion() -> None:
    before, after = _scene(1.0, 3.0, 2), [255 - _texture(5), 255 - _texture(5)]
    motion = MotionEstimator().maps([*before, *after])
    assert not motion[1, ..., 1].any()
    assert not motion[2, ..., 0].any()


def test_map_depends_on_its_neighbours_only() -> None:
    frames = _scene(2.0, 4.0, 6)
    whole = MotionEstimator().maps(frames)
    np.testing.assert_array_equal(MotionEstimator().estimate(*frames[2:5]).map, whole[3])


def test_flow_says_where_pixels_go() -> None:
    motion = MotionEstimator().estimate(*_scene(3.0, own=3.0))
    assert motion.backward is not None
    assert motion.forward is not None
    for flow, speed in ((motion.backward, -3.0), (motion.forward, 3.0)):
        assert flow.shape == (HEIGHT // 2, WIDTH // 2, 2)
        np.testing.assert_allclose(np.median(flow, axis=(0, 1)), [speed, 0.0], atol=0.3)


def test_maps_are_what_the_formula_says_to_the_last_bit() -> None:
    residuals = np.random.default_rng(0).gamma(0.3, 3, (2, 48, 64)).astype(np.float32)
    backward, forward = residuals
    wanted = np.zeros((48, 64, 3), np.float32)
    smaller = np.minimum(backward, forward)
    wanted[..., 2] = smaller / (np.percentile(smaller, 99) + 0.3) / 1.5
    for channel, m in enumerate(residuals):
        wanted[..., channel] = np.log1p(m / (np.median(m) + 0.15)) / 5.0
    levels = (255 * np.minimum(wanted, 1)).round().astype(np.uint8)
    np.testing.assert_array_equal(motion_map(backward, forward, (48, 64)), levels)


def test_what_is_left_of_flow_is_its_distance_from_the_camera() -> None:
    rng = np.random.default_rng(0)
    y, x = ((np.mgrid[:48, :64] + 0.5) * 2 - 0.5).astype(np.float32)
    moves = np.stack([0.02 * x + 3, 0.01 * y - 2], axis=-1) + rng.normal(0, 0.2, (48, 64, 2))
    flow = moves.astype(np.float32)
    starts = np.stack([x, y], axis=-1)[4::8, 4::8].reshape(-1, 2)
    ends = starts + flow[4::8, 4::8].reshape(-1, 2)
    m = cv2.findHomography(starts, ends, cv2.USAC_FAST, 1.0, maxIters=300)[0].astype(np.float32)
    depth = m[2, 0] * x + m[2, 1] * y + m[2, 2]
    across = (m[0, 0] * x + m[0, 1] * y + m[0, 2]) / depth - x
    down = (m[1, 0] * x + m[1, 1] * y + m[1, 2]) / depth - y
    wanted = np.stack([flow[..., 0] - across, flow[..., 1] - down], axis=-1)
    found = residual(flow)
    assert found is not None
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
