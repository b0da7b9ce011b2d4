"""Region similarity of whole videos."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from dataset import davis, jhmdb
from dataset.values import LabelledVideo
from model.__main__ import working_spec
from model.presets import build
from model.validation import evaluate, glance, glance_actions, name_action, probabilities
from tests.dataset.folders import write_davis, write_jhmdb

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


def test_actions_are_told_in_found_and_in_true_boxes(tmp_path: Path) -> None:
    (clip,) = jhmdb.load(write_jhmdb(tmp_path / "jhmdb", {"run": ["a_run_b"]}), 1, "train")
    things = davis.load(write_davis(tmp_path / "davis", {"bear": 8, "surf": 8}), "train")
    torch.manual_seed(0)
    network = build("small", ("none", "run")).eval()
    assert network.actions is not None
    network.actions.classifier.bias.data = torch.tensor([0.0, 100.0])
    network.scores.bias.data.fill_(100.0)  # everything is foreground
    assert name_action(network, clip, SPEC) == ("run", "run")
    wanted = {"actions": 1.0, "actions/truth": 1.0, "none": 0.0}
    assert glance_actions(network, [clip], things, SPEC) == wanted
    network.scores.bias.data.fill_(-100.0)  # nothing is
    assert name_action(network, clip, SPEC) == (None, "run")
    assert "none" not in glance_actions(network, [clip], things[1:], SPEC)
