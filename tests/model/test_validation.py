"""Region similarity of whole videos."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dataset import davis
from dataset.values import LabelledVideo
from model.__main__ import working_spec
from model.validation import evaluate, glance, probabilities
from tests.dataset.folders import write_davis

SPEC = working_spec("small", short_side=64)


def bright(clips: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Find what is bright, which is how the test's videos are made."""
    return np.asarray(clips.mean(axis=-1) > 105, np.float32)


def empty(clips: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Find nothing."""
    return np.zeros(clips.shape[:4], np.float32)


@pytest.fixture
def videos(tmp_path: Path) -> list[LabelledVideo]:
    return davis.load(write_davis(tmp_path, {"swan": 11, "bear": 8}, size=(64, 96)), "train")


def test_a_right_network_scores_high_and_an_empty_one_nothing(
    videos: list[LabelledVideo],
) -> None:
    for measure in (glance, evaluate):
        right, wrong = measure(bright, videos, SPEC), measure(empty, videos, SPEC)
        assert right.keys() == wrong.keys() == {"swan", "bear"}
        assert min(right.values()) > 0.75
        assert max(wrong.values()) == 0.0


def test_masks_may_be_larger_than_frames(tmp_path: Path) -> None:
    root = write_davis(tmp_path, {"swan": 9}, size=(64, 96), mask_scale=2)
    videos = davis.load(root, "train")
    for measure in (glance, evaluate):
        assert measure(bright, videos, SPEC)["swan"] > 0.75


def test_overlapping_clips_are_averaged(videos: list[LabelledVideo]) -> None:
    calls = 0

    def counting(clips: NDArray[np.uint8]) -> NDArray[np.float32]:
        nonlocal calls
        calls += 1
        return np.full(clips.shape[:4], calls, np.float32)

    maps = probabilities(counting, videos[0], SPEC, stride=3)  # clips start at 0 and 3
    assert [float(m.mean()) for m in maps] == [1.0] * 3 + [1.5] * 5 + [2.0] * 3
    assert maps[0].shape == (64, 96)
