"""The pyramid pooling: branches, rates and the frame-level features."""

import pytest
import torch
from torch import nn

from model.pyramid import FrameFeatures, PyramidPooling


@pytest.mark.parametrize("rates", [(), (6,), (6, 12, 18), (6, 12, 18, 24)])
@pytest.mark.parametrize("frame_features", [False, True])
def test_any_set_of_rates_keeps_the_size(rates: tuple[int, ...], frame_features: bool) -> None:
    pyramid = PyramidPooling(6, 8, rates=rates, frame_features=frame_features)
    assert pyramid(torch.randn(2, 6, 4, 5, 7)).shape == (2, 8, 4, 5, 7)


def test_the_rates_dilate_space_and_not_time() -> None:
    pyramid = PyramidPooling(6, 8, rates=(6, 12, 18))
    layers = [layer for layer in pyramid.dilated.modules() if isinstance(layer, nn.Conv3d)]
    depthwise = [layer.dilation for layer in layers if layer.groups > 1]
    assert depthwise == [(1, 6, 6), (1, 12, 12), (1, 18, 18)]


def test_five_branches_are_projected() -> None:
    pyramid = PyramidPooling(6, 8)
    assert pyramid.project[0].in_channels == 5 * 4


def test_frame_features_are_each_frames_own_and_the_same_all_over_it() -> None:
    torch.manual_seed(0)
    branch = FrameFeatures(6, 8)
    given = torch.randn(1, 6, 3, 4, 5)
    features = branch(given)
    assert features.shape == (1, 8, 3, 4, 5)
    torch.testing.assert_close(features, features[..., :1, :1].expand_as(features))
    changed = given.clone()
    changed[:, :, 1] += 1.0
    difference = (branch(changed) - features).abs().amax(dim=(0, 1, 3, 4))
    assert difference[1] > 0
    assert difference[0] == difference[2] == 0


def test_frame_features_are_of_the_mean_whatever_lies_where() -> None:
    torch.manual_seed(0)
    branch = FrameFeatures(6, 8)
    given = torch.randn(1, 6, 3, 4, 5)
    torch.testing.assert_close(branch(given.flip(3, 4)), branch(given))


def test_a_clip_of_one_frame_trains() -> None:
    pyramid = PyramidPooling(6, 8, rates=(1, 2)).train()
    pyramid(torch.randn(1, 6, 1, 4, 4)).sum().backward()
    gradient = pyramid.frame.project.weight.grad if pyramid.frame else None
    assert gradient is not None
