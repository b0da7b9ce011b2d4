"""Composites: one of several cut-outs moves, and that one is wanted."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from dataset import stills
from dataset.values import LabelledStill
from model.augmentation import Crop
from model.composites import STILLS, composite_clip
from pipeline.network.motion import MotionEstimator

CROP = Crop(96, 128, 96, (1.0, 1.0))


@pytest.fixture
def pictures(tmp_path: Path) -> list[LabelledStill]:
    """Make stills with a ring of texture each: every cut-out stands out alike."""
    generator = np.random.default_rng(0)
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
    for number in range(STILLS):
        noise = generator.integers(0, 256, (120, 160, 3), np.uint8)
        picture = cv2.GaussianBlur(noise, (0, 0), 2)
        mask = np.zeros((120, 160), np.uint8)
        cv2.circle(mask, (80, 60), 35, 255, -1)
        cv2.imwrite(str(tmp_path / f"images/{number}.png"), picture)
        cv2.imwrite(str(tmp_path / f"masks/{number}.png"), mask)
    return stills.load(tmp_path)


def test_composite_is_drawn_from_its_seed(pictures: list[LabelledStill]) -> None:
    first, again, other = (
        composite_clip(pictures, 6, CROP, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first[0].shape == (6, 96, 128, 3)
    assert first[1].shape == (6, 96, 128)
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])


def test_what_is_wanted_moves_more_than_the_rest(pictures: list[LabelledStill]) -> None:
    inside, outside = [], []
    for seed in range(24):
        frames, masks = composite_clip(pictures, 6, CROP, np.random.default_rng(seed))
        motion = MotionEstimator().maps(list(frames)).max(axis=-1)
        seen = masks[:, ::2, ::2]
        if 0.02 < seen.mean() < 0.5:
            inside.append(motion[seen].mean())
            outside.append(motion[~seen].mean())
    assert len(inside) > 10
    assert np.mean(inside) > 1.5 * np.mean(outside)


def test_composite_refuses_another_number_of_stills(pictures: list[LabelledStill]) -> None:
    with pytest.raises(ValueError, match="takes 5 stills, got 4"):
        composite_clip(pictures[:-1], 6, CROP, np.random.default_rng(0))
