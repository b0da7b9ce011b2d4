"""After calibration a head is as sure as it is right, and says the same."""

import math

import pytest
import torch
from torch import nn

from model.actions import ActionHead
from model.calibration import TEMPERATURES, divide_scores, fit_temperature


def test_of_two_labels_the_share_is_how_often_it_is_right() -> None:
    # Always as sure of the first label, which is right three times in four: log-odds of log 3.
    scores = [torch.tensor([[0.5, 0.0]])] * 4
    temperature = fit_temperature(scores, [0, 0, 0, 1])
    assert temperature == pytest.approx(0.5 / math.log(3), rel=1e-3)
    too_sure = [torch.tensor([[8.0, 0.0]])] * 4
    assert fit_temperature(too_sure, [0, 0, 0, 1]) == pytest.approx(8 / math.log(3), rel=1e-3)


def test_a_clip_counts_once_however_many_frames_it_has() -> None:
    long, short = torch.tensor([[0.5, 0.0]] * 30), torch.tensor([[0.5, 0.0]])
    temperature = fit_temperature([short, short, short, long], [0, 0, 0, 1])
    assert temperature == pytest.approx(0.5 / math.log(3), rel=1e-3)


def test_who_is_always_right_gets_the_lowest() -> None:
    temperature = fit_temperature([torch.tensor([[1.0, 0.0]])], [0])
    assert temperature == pytest.approx(TEMPERATURES[0], rel=0.01)


def test_no_clips_are_refused() -> None:
    with pytest.raises(ValueError, match="0 clips and 0 answers"):
        fit_temperature([], [])
    with pytest.raises(ValueError, match="1 clips and 2 answers"):
        fit_temperature([torch.zeros(1, 2)], [0, 1])


def test_a_head_gives_its_scores_divided() -> None:
    torch.manual_seed(0)
    head = ActionHead(("none", "run"), source=0, branch=nn.Identity(), channels=4, width=8).eval()
    features, boxes = torch.randn(2, 4, 6, 6), torch.tensor([[[0.1, 0.1, 0.8, 0.9]]] * 2)
    before = head.classify(features, boxes).detach()
    divide_scores(head, 0.25)
    torch.testing.assert_close(head.classify(features, boxes).detach(), before / 0.25)
