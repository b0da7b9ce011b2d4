"""Clips for training."""

from pathlib import Path

import numpy as np
import pytest

from dataset import davis, stills
from model.augmentation import Crop, action_clip, still_clip, video_clip
from tests.dataset.folders import write_davis, write_stills

CROP = Crop(height=48, width=64, short_side=60, scales=(0.5, 2.0))


@pytest.mark.parametrize("length", [4, 8])
@pytest.mark.parametrize("seed", range(6))
def test_video_clips_show_what_their_masks_say(length: int, seed: int, tmp_path: Path) -> None:
    (video,) = davis.load(write_davis(tmp_path, {"swan": 9}), "train")
    frames, masks = video_clip(video, length, CROP, np.random.default_rng(seed))
    assert frames.shape == (length, 48, 64, 3)
    assert frames.dtype == np.uint8
    assert masks.shape == (length, 48, 64)
    assert masks.dtype == np.bool_
    if masks.any() and not masks.all():
        assert frames[masks].mean() > frames[~masks].mean() + 40


def test_masks_may_be_larger_than_frames(tmp_path: Path) -> None:
    root = write_davis(tmp_path, {"swan": 9}, mask_scale=2)
    (video,) = davis.load(root, "train")
    frames, masks = video_clip(video, 4, CROP, np.random.default_rng(2))
    assert masks.any()
    assert frames[masks].mean() > frames[~masks].mean() + 40


def test_a_video_shorter_than_a_clip_repeats_its_last_frame(tmp_path: Path) -> None:
    (video,) = davis.load(write_davis(tmp_path, {"swan": 2}), "train")
    frames, _ = video_clip(video, 8, CROP, np.random.default_rng(0))
    assert len({frame.tobytes() for frame in frames}) <= 2


@pytest.mark.parametrize("seed", range(12))
def test_still_clips_show_what_their_masks_say(seed: int, tmp_path: Path) -> None:
    pictures = stills.load(write_stills(tmp_path, 3))
    others = (pictures[1], pictures[2])
    frames, masks = still_clip(pictures[0], others, 6, CROP, np.random.default_rng(seed))
    assert frames.shape == (6, 48, 64, 3)
    assert frames.dtype == np.uint8
    assert masks.shape == (6, 48, 64)
    assert masks.dtype == np.bool_
    assert masks.any()
    # Distractors are as bright as the object, so only the object itself can be asked for.
    assert frames[masks].mean() > 100


def test_stills_move(tmp_path: Path) -> None:
    pictures = stills.load(write_stills(tmp_path, 3))
    moved = 0
    for seed in range(10):
        _, masks = still_clip(
            pictures[0], (pictures[1], pictures[2]), 8, CROP, np.random.default_rng(seed)
        )
        moved += int(not np.array_equal(masks[0], masks[-1]))
    assert moved >= 7


def test_the_same_seed_gives_the_same_clip(tmp_path: Path) -> None:
    pictures = stills.load(write_stills(tmp_path, 3))
    clips = [
        still_clip(pictures[0], (pictures[1], pictures[2]), 4, CROP, np.random.default_rng(5))
        for _ in range(2)
    ]
    np.testing.assert_array_equal(clips[0][0], clips[1][0])
    np.testing.assert_array_equal(clips[0][1], clips[1][1])


def test_clips_of_actions_are_frames_in_a_row_and_forward(tmp_path: Path) -> None:
    """The square of the test's videos moves two columns a frame."""
    (video,) = davis.load(write_davis(tmp_path, {"swan": 12}), "train")
    crop = Crop(height=60, width=90, short_side=60, scales=(1.0, 1.0))
    for seed in range(4):
        frames, masks = action_clip(video, 8, crop, np.random.default_rng(seed))
        assert frames.shape == (8, 60, 90, 3)
        left = np.array([np.flatnonzero(mask.any(0)).min() for mask in masks])
        right = np.array([89 - np.flatnonzero(mask.any(0)).max() for mask in masks])
        assert (np.diff(left) == 2).all() or (np.diff(right) == 2).all()  # as is, or flipped
