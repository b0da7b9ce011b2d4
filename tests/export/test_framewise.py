"""The pyramid that is exported computes the one that was trained."""

import pytest
import torch

from export.framewise import FramewisePyramid, is_separable
from model.convolution import Kind
from model.pyramid import PyramidPooling


@pytest.mark.parametrize("temporal", [True, False])
@pytest.mark.parametrize("frame_features", [True, False])
def test_frame_by_frame_the_same_comes_out(temporal: bool, frame_features: bool) -> None:
    torch.manual_seed(0)
    pyramid = PyramidPooling(16, 8, rates=(3, 6), temporal=temporal, frame_features=frame_features)
    for part in pyramid.modules():
        if isinstance(part, torch.nn.BatchNorm3d):
            torch.nn.init.uniform_(part.weight, 0.5, 2)
            assert part.running_mean is not None
            assert part.running_var is not None
            torch.nn.init.normal_(part.running_mean)
            torch.nn.init.uniform_(part.running_var, 0.5, 2)
    pyramid.eval()
    assert is_separable(pyramid)
    features = torch.randn(2, 16, 5, 9, 12)
    with torch.inference_mode():
        torch.testing.assert_close(FramewisePyramid(pyramid)(features), pyramid(features))


@pytest.mark.parametrize("kind", ["standard", "r2plus1d"])
def test_other_kinds_are_told_apart(kind: Kind) -> None:
    assert not is_separable(PyramidPooling(16, 8, rates=(3,), convolution=kind))
