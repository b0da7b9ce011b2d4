"""Losses against values worked out by hand."""

import math

import pytest
import torch

from model.losses import action_cross_entropy, cross_entropy, soft_iou


def test_cross_entropy_is_the_softmax_of_two_classes() -> None:
    logits, targets = torch.randn(2, 3, 4, 5), torch.rand(2, 3, 4, 5) > 0.5
    scores = torch.stack((torch.zeros_like(logits), logits), dim=1)
    wanted = torch.nn.functional.cross_entropy(scores, targets.long())
    torch.testing.assert_close(cross_entropy(logits, targets), wanted)


def test_soft_iou_of_probabilities_of_one_half() -> None:
    targets = torch.zeros(1, 1, 10, 10)
    targets[..., :5] = 1
    # Intersection 50 * 0.5, union 50 + 50 * 0.5, and one pixel of slack.
    assert soft_iou(torch.zeros(1, 1, 10, 10), targets).item() == pytest.approx(1 - 26 / 76)


def test_soft_iou_vanishes_on_right_masks_and_empty_ones() -> None:
    targets = torch.zeros(2, 1, 4, 4)
    targets[0, :, :2] = 1
    assert soft_iou(100 * (targets - 0.5), targets).item() == pytest.approx(0, abs=1e-6)
    assert math.isfinite(soft_iou(torch.full((1, 1, 4, 4), 50.0), torch.zeros(1, 1, 4, 4)).item())


def test_actions_weigh_what_their_answers_are_worth() -> None:
    scores = torch.zeros(2, 2, 4)
    scores[0, :, 1] = 100.0
    answers = torch.tensor([1, 2])
    # A sure answer costs its smoothing only: 0.1 / 4 of 100 for each of the three others.
    sure = action_cross_entropy(scores, answers, torch.tensor([[1.0, 1.0], [0.0, 0.0]]))
    assert sure.item() == pytest.approx(0.5 * 3 * 0.1 / 4 * 100)
    even = action_cross_entropy(scores, answers, torch.tensor([[0.0, 0.0], [0.5, 1.0]]))
    assert even.item() == pytest.approx(1.5 / 4 * math.log(4))
