"""The clips of each step."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dataset import davis, jhmdb, stills
from model.augmentation import Crop
from model.batches import Batches
from model.recipes import SMALL
from tests.dataset.folders import write_davis, write_jhmdb, write_stills

RECIPE = replace(SMALL, crop=Crop(32, 64, 40, (0.75, 1.5)))


@pytest.fixture
def batches(tmp_path: Path) -> Batches:
    videos = davis.load(write_davis(tmp_path / "davis", {"swan": 9, "bear": 3}), "train")
    actions = jhmdb.load(write_jhmdb(tmp_path / "jhmdb", {"run": ["a_run_b"]}), 1, "train")
    pictures = stills.load(write_stills(tmp_path / "stills", 4))
    return Batches(videos, actions, pictures, RECIPE, seed=3)


def test_lengths_take_turns_and_every_step_has_as_many_frames(batches: Batches) -> None:
    shapes = [batches[step].clips.shape for step in range(3)]
    assert shapes == [(2, 8, 32, 64, 3), (4, 4, 32, 64, 3), (2, 8, 32, 64, 3)]
    assert batches[1].masks.shape == (4, 4, 32, 64)


@pytest.mark.parametrize("workers", [0, 1])
def test_drawing_ahead_changes_nothing(batches: Batches, workers: int) -> None:
    drawn = list(batches.ahead(5, 18, workers))
    assert len(drawn) == 13
    for step, batch in enumerate(drawn, start=5):
        np.testing.assert_array_equal(batch.clips, batches[step].clips)
        np.testing.assert_array_equal(batch.masks, batches[step].masks)


def test_seeds_differ(batches: Batches) -> None:
    other = Batches(batches.videos, batches.actions, batches.stills, RECIPE, seed=4)
    assert not np.array_equal(batches[0].clips, other[0].clips)


def test_refuses_to_train_on_nothing(batches: Batches) -> None:
    with pytest.raises(ValueError, match="at least one video to train on"):
        Batches([], batches.actions, batches.stills, RECIPE, seed=0)
    with pytest.raises(ValueError, match="at least 3 stills to train on, got 2"):
        Batches(batches.videos, batches.actions, batches.stills[:2], RECIPE, seed=0)
    with pytest.raises(ValueError, match="one video of actions to train on, got none"):
        Batches(batches.videos, [], batches.stills, replace(RECIPE, actions_share=0.1), seed=0)


@pytest.mark.parametrize(
    ("stills_share", "actions_share", "source"),
    [(1.0, 0.0, "stills"), (0.0, 1.0, "actions"), (0.0, 0.0, "videos")],
)
def test_shares_say_where_clips_come_from(
    batches: Batches, stills_share: float, actions_share: float, source: str
) -> None:
    recipe = replace(RECIPE, stills_share=stills_share, actions_share=actions_share)
    unreadable: Any = [None] * 4  # reading any of the others fails
    drawn = Batches(
        batches.videos if source == "videos" else unreadable,
        batches.actions if source == "actions" else unreadable,
        batches.stills if source == "stills" else unreadable,
        recipe,
        seed=0,
    )
    assert drawn[0].clips.shape == (2, 8, 32, 64, 3)


def test_single_frames_are_clips_too(batches: Batches) -> None:
    recipe = replace(RECIPE, clip_lengths=(8, 1), stills_share=0.5)
    drawn = Batches(batches.videos, batches.actions, batches.stills, recipe, seed=0)[1]
    assert drawn.clips.shape == (16, 1, 32, 64, 3)
    assert drawn.masks.any()


def test_single_pictures_are_stills_where_clips_are_composites(batches: Batches) -> None:
    recipe = replace(RECIPE, clip_lengths=(1,), stills_share=0.0, composites_share=1.0)
    unreadable: Any = [None] * 4
    drawn = Batches(unreadable, unreadable, batches.stills, recipe, seed=0)[0]
    assert drawn.masks.flatten(1).any(1).all()


LABELS = ("none", "jump", "run")


@pytest.fixture
def acting(tmp_path: Path) -> Batches:
    """Every clip shows an action, and one of them is rare."""
    videos = davis.load(write_davis(tmp_path / "davis", {"swan": 9, "surf": 9}), "train")
    names = {"run": [f"a_run_{i}" for i in range(8)], "jump": ["a_jump_b"]}
    actions = jhmdb.load(write_jhmdb(tmp_path / "jhmdb", names), 1, "train")
    pictures = stills.load(write_stills(tmp_path / "stills", 4))
    recipe = replace(RECIPE, clip_lengths=(1,), stills_share=0.0, actions_share=1.0)
    return Batches(videos, actions, pictures, recipe, seed=0, labels=LABELS)


def test_actions_come_equally_often_however_many_clips_they_have(acting: Batches) -> None:
    answers = np.concatenate([acting[step].answers for step in range(4)])
    assert set(answers) == {1, 2}
    assert 0.3 < np.mean(answers == 1) < 0.7


def test_boxes_lie_around_the_masks(acting: Batches) -> None:
    batch = acting[0]
    assert batch.boxes.shape == (16, 1, 4)
    assert batch.boxes.dtype == torch.float32
    checked = 0
    masks, boxes = batch.masks[:, 0].numpy(), batch.boxes[:, 0].numpy()
    for mask, box in zip(masks, boxes, strict=True):
        rows, columns = np.nonzero(mask)
        if rows.size:
            tight = [columns.min() / 64, rows.min() / 32, (columns.max() + 1) / 64]
            tight += [(rows.max() + 1) / 32]
            size = np.tile([tight[2] - tight[0], tight[3] - tight[1]], 2)
            assert (np.abs(box - tight) <= 0.31 * size).all()
            checked += 1
    assert checked > 8
    np.testing.assert_array_equal(batch.trust[:, 0] > 0, batch.masks.flatten(1).any(1))


def test_people_on_videos_are_neither_acting_nor_none(acting: Batches) -> None:
    recipe = replace(acting.recipe, actions_share=0.0)
    for video, trust in zip(acting.videos, (1.0, 0.0), strict=True):
        drawn = Batches([video], acting.actions, [], recipe, seed=0, labels=LABELS)[0]
        assert set(drawn.answers.tolist()) == {0}
        assert drawn.trust.max() == trust, video.name


def test_stills_are_none_but_hardly_trusted(acting: Batches) -> None:
    recipe = replace(acting.recipe, stills_share=1.0, actions_share=0.0)
    drawn = Batches(acting.videos, acting.actions, acting.stills, recipe, seed=0, labels=LABELS)
    assert set(drawn[0].answers.tolist()) == {0}
    assert drawn[0].trust.max() == pytest.approx(0.1)


def test_refuses_labels_that_no_clip_shows(acting: Batches) -> None:
    with pytest.raises(ValueError, match="no video of wave"):
        Batches(acting.videos, acting.actions, [], acting.recipe, seed=0, labels=("none", "wave"))
    with pytest.raises(ValueError, match="none must be among the labels"):
        Batches(acting.videos, acting.actions, [], acting.recipe, seed=0, labels=("run",))


def test_devices_share_out_what_one_would_draw(batches: Batches) -> None:
    recipe = replace(batches.recipe, frames_per_step=2 * batches.recipe.frames_per_step)
    alone = Batches(batches.videos, batches.actions, batches.stills, recipe, seed=3)[3]
    each = [batches.share(device, 2)[3] for device in (0, 1)]
    np.testing.assert_array_equal(np.concatenate([part.clips for part in each]), alone.clips)
    np.testing.assert_array_equal(np.concatenate([part.boxes for part in each]), alone.boxes)
