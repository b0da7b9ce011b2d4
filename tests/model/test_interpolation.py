"""The mean of two networks lies halfway between them."""

import pytest
import torch
from torch import nn

from model.interpolation import mean_weights


def test_weights_and_statistics_are_averaged_and_counters_kept() -> None:
    first, second = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    second(torch.tensor([[4.0, 8.0], [8.0, 16.0]]))
    second.weight.data.fill_(3)
    mean = mean_weights(first.state_dict(), second.state_dict())
    assert mean["weight"].tolist() == [2, 2]
    assert mean["running_mean"].tolist() == pytest.approx([0.3, 0.6])
    assert mean["num_batches_tracked"].item() == 1


def test_two_networks_are_refused() -> None:
    with pytest.raises(ValueError, match="they differ in weight"):
        mean_weights(nn.Linear(3, 2).state_dict(), nn.Linear(4, 2).state_dict())
