"""Region similarity of whole videos."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from dataset import davis, jhmdb
from dataset.values import LabelledSequence, LabelledVideo
from model.__main__ import working_spec
from model.presets import build
from model.validation import evaluate, glance, glance_actions, name_action, segment_with
from pipeline.network.spec import ModelSpec
from tests.dataset.folders import write_davis, write_jhmdb

SPEC = working_spec("small", short_side=64)


class Bright(nn.Module):
    """Finds what is bright, as the test's videos are; nothing if it is turned off."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, clips: torch.Tensor, _cues: torch.Tensor | None = None) -> torch.Tensor:
        return self.factor * clips.float().mean(-1) - 105


@pytest.fixture
def videos(tmp_path: Path) -> list[LabelledVideo]:
    return davis.load(write_davis(tmp_path, {"swan": 11, "bear": 8}, size=(64, 96)), "train")


def _glance(
    network: nn.Module, videos: Sequence[LabelledSequence], spec: ModelSpec
) -> dict[str, float]:
    return glance(segment_with(network), videos, spec)


@pytest.mark.parametrize("measure", [_glance, evaluate])
def test_right_network_scores_high_and_an_empty_one_nothing(
    measure: Callable[..., dict[str, float]], videos: list[LabelledVideo]
) -> None:
    right, wrong = measure(Bright(), videos, SPEC), measure(Bright(0.0), videos, SPEC)
    assert right.keys() == wrong.keys() == {"swan", "bear"}
    assert min(right.values()) > 0.75
    assert max(wrong.values()) == 0.0


@pytest.mark.parametrize("measure", [_glance, evaluate])
def test_masks_may_be_larger_than_frames(
    measure: Callable[..., dict[str, float]], tmp_path: Path
) -> None:
    root = write_davis(tmp_path, {"swan": 9}, size=(64, 96), mask_scale=2)
    assert measure(Bright(), davis.load(root, "train"), SPEC)["swan"] > 0.75


def test_network_with_cues_is_shown_what_moves(videos: list[LabelledVideo]) -> None:
    class Moving(Bright):
        """Finds nothing, and keeps its cues."""

        def forward(self, clips: torch.Tensor, cues: torch.Tensor | None = None) -> torch.Tensor:
            assert cues is not None
            assert cues.shape == (1, 8, clips.shape[2] // 2, clips.shape[3] // 2, 3)
            seen.append(bool(cues[..., :3].any()))
            return super().forward(clips)

    seen: list[bool] = []
    for measure in (_glance, evaluate):
        measure(Moving(), videos, replace(SPEC, cues=True))
    assert all(seen)


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
