"""Masks as a first pass may have found them."""

import cv2
import numpy as np

from evaluation.region import region_similarity
from model.earlier_mask import earlier_mask


def test_spoilt_masks_are_like_the_true_ones_but_not_equal() -> None:
    masks = np.zeros((8, 128, 192), bool)
    masks[:, 40:90, 60:140] = True
    overlaps = []
    for seed in range(40):
        spoilt = earlier_mask(masks, (64, 96), np.random.default_rng(seed))
        assert spoilt.shape == (8, 64, 96)
        assert spoilt.dtype == np.uint8
        small = cv2.resize(masks[0].astype(np.uint8), (96, 64)) > 0
        overlaps += [region_similarity(frame > 127, small) for frame in spoilt]
    assert 0.5 < np.mean(overlaps) < 0.9
    assert min(overlaps) == 0.0  # missing in some frames
    assert max(overlaps) > 0.9


def test_nothing_may_be_spoilt() -> None:
    spoilt = earlier_mask(np.zeros((2, 32, 64), bool), (16, 32), np.random.default_rng(3))
    assert spoilt.shape == (2, 16, 32)
