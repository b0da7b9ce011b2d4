"""The action head."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.actions import ActionHead, grow, resample
from model.presets import build

LABELS = ("none", "clap", "run")


def head(margin: float = 0.15) -> ActionHead:
    torch.manual_seed(0)
    return ActionHead(
        LABELS, source=0, branch=nn.Identity(), channels=6, width=16, margin=margin, dropout=0.0
    ).eval()


def test_points_are_those_of_bilinear_sampling() -> None:
    features = torch.randn(2, 3, 5, 8)
    boxes = torch.tensor([[[0.2, 0.1, 0.7, 0.9], [0.0, 0.0, 1.0, 1.0]]]).repeat(2, 1, 1)
    found = resample(features, boxes, 4)
    assert found.shape == (2, 2, 16, 3)
    steps = (torch.arange(4) + 0.5) / 4
    for k, (left, top, right, bottom) in enumerate(boxes[0].tolist()):
        x, y = left + (right - left) * steps, top + (bottom - top) * steps
        places = torch.stack(torch.meshgrid(2 * x - 1, 2 * y - 1, indexing="xy"), dim=-1)
        wanted = F.grid_sample(
            features, places.expand(2, 4, 4, 2), padding_mode="border", align_corners=False
        )
        torch.testing.assert_close(found[:, k], wanted.flatten(2).transpose(1, 2))


def test_boxes_grow_up_to_the_edge_of_the_picture() -> None:
    grown = grow(torch.tensor([[0.4, 0.2, 0.6, 0.6], [0.0, 0.5, 1.0, 1.0]]), 0.25)
    torch.testing.assert_close(grown, torch.tensor([[0.35, 0.1, 0.65, 0.7], [0, 0.375, 1, 1]]))


def test_a_box_is_scored_alike_whatever_boxes_and_frames_are_beside_it() -> None:
    features, boxes = torch.randn(3, 6, 4, 5), torch.rand(3, 2, 4).sort(-1).values
    together = head().classify(features, boxes)
    assert together.shape == (3, 2, len(LABELS))
    alone = head().classify(features[1:2], boxes[1:2, 1:])
    torch.testing.assert_close(together[1:2, 1:], alone)


def test_what_lies_outside_of_the_box_does_not_count() -> None:
    features, box = torch.randn(1, 6, 4, 8), torch.tensor([[[0.0, 0.0, 0.3, 1.0]]])
    before = head(margin=0.0).classify(features, box)
    features[..., 4:] += 5.0
    torch.testing.assert_close(head(margin=0.0).classify(features, box), before)
    features[..., 0] += 5.0
    assert not torch.allclose(head(margin=0.0).classify(features, box), before)


def test_the_branch_sees_every_fourth_frame_and_those_between_are_interpolated() -> None:
    seen = torch.randn(1, 6, 2, 3, 5)
    shared = seen.repeat_interleave(4, dim=2)
    shared[:, :, 1:4] += 5.0  # what the branch doesn't see
    shared[:, :, 5:] += 5.0
    features = head().describe(shared, 8)
    assert features.shape == (1, 8, 6, 3, 5)
    torch.testing.assert_close(features[0, 0], seen[0, :, 0])
    torch.testing.assert_close(features[0, 3], seen[0, :, 0].lerp(seen[0, :, 1], 0.375))


def test_maps_that_stride_in_time_are_spread_over_the_frames() -> None:
    maps = [torch.randn(2, 6, 2, 4, 4)]
    assert head()(maps, torch.rand(2, 8, 4).sort(-1).values).shape == (2, 8, len(LABELS))


def clips(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randint(0, 256, (*shape, 3), dtype=torch.uint8, generator=generator)


def test_the_network_scores_both_as_it_scores_each() -> None:
    torch.manual_seed(0)
    network = build("small", LABELS).eval()
    given, boxes = clips(1, 2, 64, 64), torch.tensor([0.1, 0.2, 0.8, 0.9]).expand(1, 2, 4)
    with torch.inference_mode():
        logits, scores = network.score_both(given, boxes)
        torch.testing.assert_close(logits, network(given))
        torch.testing.assert_close(scores, network.score_actions(given, boxes))
    assert scores.shape == (1, 2, len(LABELS))


def test_the_loss_of_actions_reaches_the_weights_that_both_share() -> None:
    network = build("small", LABELS)
    boxes = torch.tensor([0.0, 0.0, 1.0, 1.0]).expand(1, 2, 4)
    torch.autograd.backward(network.score_actions(clips(1, 2, 64, 64), boxes).sum())
    reached = {name for name, p in network.named_parameters() if p.grad is not None}
    assert "encoder.temporal.2-1.mix.weight" in reached
    assert {"actions.branch.stages.0.0.expand.weight", "actions.classifier.bias"} <= reached


def test_a_network_that_only_segments_has_no_actions() -> None:
    with pytest.raises(ValueError, match="must have an action head"):
        build("small").score_actions(clips(1, 1, 32, 32), torch.zeros(1, 1, 4))


def test_the_paper_preset_takes_a_head_on_its_deepest_map() -> None:
    with torch.device("meta"):
        network = build("paper", LABELS).eval()
        given = torch.empty(1, 8, 64, 64, 3, dtype=torch.uint8)
        scores = network.score_actions(given, torch.empty(1, 8, 4))
    assert scores.shape == (1, 8, len(LABELS))
