"""Boxes around the largest part of a mask."""

import numpy as np

from model.boxes import jittered, tight_boxes


def test_the_largest_part_is_boxed_to_the_edges_of_its_pixels() -> None:
    masks = np.zeros((2, 10, 20), np.bool_)
    masks[0, 2:5, 4:9] = True
    masks[0, 8, 19] = True  # a speck
    boxes = tight_boxes(masks)
    np.testing.assert_allclose(boxes[0], [4 / 20, 2 / 10, 9 / 20, 5 / 10])
    assert np.isnan(boxes[1]).all()


def test_jitter_moves_edges_a_little_and_not_out_of_the_picture() -> None:
    boxes = np.tile(np.array([0.0, 0.25, 0.5, 1.0], np.float32), (8, 1))
    moved = jittered(boxes, np.random.default_rng(0))
    assert moved.dtype == np.float32
    assert moved.min() >= 0
    assert moved.max() <= 1
    size = np.array([0.5, 0.75, 0.5, 0.75], np.float32)
    assert np.abs(moved - boxes).max() > 0
    assert (np.abs(moved - boxes) <= 0.3 * size + 1e-6).all()
    # The frames of a clip move together, and a little by themselves.
    assert 0 < moved[:, 2].std() < 3 * 0.03 * 0.5
