"""Actions told by how a person's parts move."""

import math

import pytest
import torch
from torch import Tensor, nn

from model.action_motion import DESCRIPTION, MotionScores, fit
from model.actions import ActionHead
from model.calibration import divide_scores
from model.tents import tents

LABELS = ("none", "jump", "run")
BOX = torch.tensor([[[0.25, 0.25, 0.75, 0.75]]])


def moving(across: float, down: float, frames: int = 1) -> Tensor:
    """Let the middle of a picture of 128 x 128 move, pixels a second."""
    flow = torch.zeros(frames, 64, 64, 2)
    flow[:, 16:48, 16:48] = torch.tensor([across, down])
    return flow


def test_the_histogram_of_a_steady_motion_has_one_direction() -> None:
    flow = torch.tensor([64.0, 0.0]).expand(1, 64, 64, 2)  # a height of the box a second
    described = MotionScores(LABELS).describe(flow, BOX)
    assert described.shape == (1, 1, DESCRIPTION)
    of_flow, *of_changes = described.square()[0, 0].reshape(3, 9, 9)  # bins by cells
    right, rest = of_flow[0], of_flow[8]
    torch.testing.assert_close(right, torch.full((9,), math.log1p(1 / 0.25)))
    torch.testing.assert_close(of_flow[1], right * math.sqrt(0.5))
    assert of_flow[2:7].max() < 1e-5
    torch.testing.assert_close(rest, torch.full((9,), math.exp(-1 / 0.1)))
    for bins in of_changes:
        torch.testing.assert_close(bins[8], torch.ones(9), rtol=1e-4, atol=1e-4)


def test_the_same_motion_of_a_person_half_as_large_is_described_alike() -> None:
    scores = MotionScores(LABELS)
    large = scores.describe(moving(60, -30), BOX)
    small = torch.zeros(1, 64, 64, 2)
    small[:, 24:40, 24:40] = torch.tensor([30.0, -15.0])
    described = scores.describe(small, torch.tensor([[[0.375, 0.375, 0.625, 0.625]]]))
    torch.testing.assert_close(described, large, rtol=0.1, atol=0.05)


def test_scores_say_nothing_before_they_are_fitted() -> None:
    torch.testing.assert_close(MotionScores(LABELS)(moving(50, 0), BOX), torch.zeros(1, 1, 3))


def fitted() -> MotionScores:
    torch.manual_seed(0)
    scores = MotionScores(LABELS)
    ups = [moving(0, -40 - 10 * k, 2) + torch.randn(2, 64, 64, 2) for k in range(4)]
    sides = [moving(40 + 10 * k, 0, 2) + torch.randn(2, 64, 64, 2) for k in range(4)]
    with torch.no_grad():
        clips = [scores.describe(flow, BOX.expand(2, 1, 4))[:, 0] for flow in (*ups, *sides)]
    fit(scores, clips, [0] * 4 + [1] * 4)
    return scores


def test_fitted_scores_tell_motions_apart() -> None:
    scores = fitted()
    with torch.inference_mode():
        up, side = (scores(moving(*by), BOX)[0, 0] for by in ((0, -55), (55, 0)))
    assert up[1] > 0 > up[2]
    assert side[2] > 0 > side[1]
    assert up[0] == side[0] == 0
    # The mean over the actions of how much likelier each is, is 1.
    torch.testing.assert_close(up[1:].exp().mean(), torch.tensor(1.0))


def test_a_frame_without_motion_says_nothing() -> None:
    flow = torch.cat([moving(0, 0), moving(0, -50)])
    motion = fitted()
    with torch.inference_mode():
        scores = motion(flow, BOX.expand(2, 1, 4))
    assert not scores[0].any()
    assert scores[1].any()


def test_motion_adds_to_what_the_head_scores_and_is_calibrated_with_it() -> None:
    torch.manual_seed(0)
    motion = fitted()
    head = ActionHead(
        LABELS, source=0, branch=nn.Identity(), channels=4, width=8, motion=motion
    ).eval()
    features, flow = torch.randn(1, 4, 6, 6), moving(0, -50)
    with torch.inference_mode():
        both = head.classify(features, BOX, flow)
        torch.testing.assert_close(both, head.classify(features, BOX) + motion(flow, BOX))
        divide_scores(head, 2.0)
        torch.testing.assert_close(head.classify(features, BOX, flow), both / 2)


def test_smooth_tents_average_the_pixels_between_points() -> None:
    near, far = torch.tensor([[0.0]]), torch.tensor([[1.0]])
    weights = tents(near, far, 4, 32, smooth=True)[0, 0]
    torch.testing.assert_close(weights.sum(-1), torch.ones(4))
    assert (weights > 0).sum(-1).tolist() == [12, 16, 16, 12]
    assert (tents(near, far, 4, 32)[0, 0] > 0).sum(-1).tolist() == [2, 2, 2, 2]


def test_labels_must_begin_with_none() -> None:
    with pytest.raises(ValueError, match="first label must be none, got run"):
        MotionScores(("run", "none"))
