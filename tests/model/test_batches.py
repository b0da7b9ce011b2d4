"""The clips of each step."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataset import davis, stills
from model.augmentation import Crop
from model.batches import Batches
from model.recipes import SMALL
from tests.dataset.folders import write_davis, write_stills

RECIPE = replace(SMALL, crop=Crop(32, 64, 40, (0.75, 1.5)))


@pytest.fixture
def batches(tmp_path: Path) -> Batches:
    videos = davis.load(write_davis(tmp_path / "davis", {"swan": 9, "bear": 3}), "train")
    return Batches(videos, stills.load(write_stills(tmp_path / "stills", 4)), RECIPE, seed=3)


def test_lengths_take_turns_and_every_step_has_as_many_frames(batches: Batches) -> None:
    shapes = [batches.batch(step).clips.shape for step in range(3)]
    assert shapes == [(2, 8, 32, 64, 3), (4, 4, 32, 64, 3), (2, 8, 32, 64, 3)]
    assert batches.batch(1).masks.shape == (4, 4, 32, 64)


def test_drawing_ahead_changes_nothing(batches: Batches) -> None:
    drawn = list(batches.ahead(5, 18))
    assert len(drawn) == 13
    for step, batch in enumerate(drawn, start=5):
        np.testing.assert_array_equal(batch.clips, batches.batch(step).clips)
        np.testing.assert_array_equal(batch.masks, batches.batch(step).masks)


def test_seeds_differ(batches: Batches) -> None:
    other = Batches(batches.videos, batches.stills, RECIPE, seed=4)
    assert not np.array_equal(batches.batch(0).clips, other.batch(0).clips)


def test_refuses_to_train_on_nothing(batches: Batches) -> None:
    with pytest.raises(ValueError, match="no videos"):
        Batches([], batches.stills, RECIPE, seed=0)
    with pytest.raises(ValueError, match="2 stills"):
        Batches(batches.videos, batches.stills[:2], RECIPE, seed=0)
