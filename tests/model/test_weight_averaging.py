"""The mean of two networks lies halfway between them."""

import pytest
import torch
from torch import nn

from model.weight_averaging import mean_weights


def test_weights_and_statistics_are_averaged_and_counters_kept() -> None:
    first, second = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    second(torch.tensor([[4.0, 8.0], [8.0, 16.0]]))
    second.weight.data.fill_(3)
    mean = mean_weights(first.state_dict(), [second.state_dict()])
    assert mean["weight"].tolist() == [2, 2]
    assert mean["running_mean"].tolist() == pytest.approx([0.3, 0.6])
    assert mean["num_batches_tracked"].item() == 1


def test_the_share_is_that_of_the_second() -> None:
    first, second = nn.Linear(1, 1), nn.Linear(1, 1)
    first.weight.data.fill_(1)
    second.weight.data.fill_(5)
    mean = mean_weights(first.state_dict(), [second.state_dict()], 0.75)
    assert mean["weight"].item() == 4
    with pytest.raises(ValueError, match="share must be between 0 and 1, got 2"):
        mean_weights(first.state_dict(), [second.state_dict()], 2)


def test_an_action_head_of_the_second_is_kept() -> None:
    first, second = {"scores.weight": torch.tensor([1.0])}, {"scores.weight": torch.tensor([3.0])}
    head = {"actions.classifier.weight": torch.tensor([7.0])}
    mean = mean_weights(first, [second | head])
    assert {name: value.item() for name, value in mean.items()} == {
        "scores.weight": 2,
        "actions.classifier.weight": 7,
    }
    with pytest.raises(ValueError, match=r"and differ in actions\.classifier\.weight"):
        mean_weights(first | head, [second])


def test_several_runs_count_alike() -> None:
    before, *after = ({"scores.weight": torch.tensor([value])} for value in (1.0, 3.0, 8.0))
    assert mean_weights(before, after, 2 / 3)["scores.weight"].item() == pytest.approx(4)
    other = {"scores.weight": torch.tensor([1.0, 2.0])}
    with pytest.raises(ValueError, match=r"and differ in scores\.weight"):
        mean_weights(before, [*after, other, after[0]])


def test_two_networks_are_refused() -> None:
    with pytest.raises(ValueError, match="and differ in weight"):
        mean_weights(nn.Linear(3, 2).state_dict(), [nn.Linear(4, 2).state_dict()])
