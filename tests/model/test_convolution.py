"""The convolutions: shapes, dilation, and gradients on the CPU training path."""

from typing import cast, get_args

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.convolution import Kind, conv3d, middle_channels
from model.cpu_training import Conv3d, convolve_each_tap

KINDS: tuple[Kind, ...] = get_args(Kind)


def clip(*shape: int, seed: int = 0) -> Tensor:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return values.contiguous(memory_format=torch.channels_last_3d)


def gradients(
    layer: nn.Module, given: Tensor, *, bfloat16: bool = False, plain: bool = False
) -> dict[str, Tensor]:
    """The gradients of the input and of every parameter, of a loss that weighs each value apart."""
    layer.zero_grad()
    given = given.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        result = nn.Conv3d.forward(cast(nn.Conv3d, layer), given) if plain else layer(given)
    weights = clip(*result.shape, seed=1)
    (result.float() * weights).sum().backward()
    named = {name: p.grad for name, p in layer.named_parameters()} | {"input": given.grad}
    return {name: gradient.detach() for name, gradient in named.items() if gradient is not None}


def cosine(one: Tensor, other: Tensor) -> float:
    return F.cosine_similarity(one.flatten().double(), other.flatten().double(), dim=0).item()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("spatial", "temporal"), [(1, 1), (2, 1), (1, 2), (3, 2)])
def test_every_kind_keeps_the_size_whatever_the_dilation(
    kind: Kind, spatial: int, temporal: int
) -> None:
    layer = conv3d(kind, 4, 6, spatial_dilation=spatial, temporal_dilation=temporal)
    assert layer(clip(2, 4, 5, 7, 9)).shape == (2, 6, 5, 7, 9)


@pytest.mark.parametrize("kind", KINDS)
def test_dilation_reaches_the_pixels_of_equation_6(kind: Kind) -> None:
    layer = conv3d(kind, 2, 2, spatial_dilation=3, temporal_dilation=2).eval()
    linear = nn.Sequential(*(part for part in layer if isinstance(part, nn.Conv3d)))
    given = torch.zeros(1, 2, 9, 15, 15).requires_grad_()
    linear(given)[0, 0, 4, 7, 7].backward()
    assert given.grad is not None
    met = given.grad[0].abs().sum(0).nonzero().T.tolist()
    assert [sorted(set(axis)) for axis in met] == [[2, 4, 6], [4, 7, 10], [4, 7, 10]]


def test_only_the_depthwise_part_of_the_separable_is_dilated() -> None:
    layer = conv3d("separable", 4, 6, spatial_dilation=3)
    depthwise, pointwise = (part for part in layer if isinstance(part, nn.Conv3d))
    assert (depthwise.groups, depthwise.dilation) == (4, (1, 3, 3))
    assert (pointwise.kernel_size, pointwise.dilation) == ((1, 1, 1), (1, 1, 1))


def test_r2plus1d_has_the_weights_of_the_standard_but_for_rounding() -> None:
    standard = 64 * 192 * 27
    middle = middle_channels(64, 192, (3, 3, 3))
    assert standard - (64 * 9 + 192 * 3) < middle * (64 * 9 + 192 * 3) <= standard


def test_an_unknown_kind_names_those_there_are() -> None:
    with pytest.raises(ValueError, match="one of standard, r2plus1d, separable, got 'dense'"):
        conv3d("dense", 4, 4)  # type: ignore[arg-type] # the wrong name is the point


def test_an_even_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must have odd sides, .* got \(3, 2, 3\)"):
        conv3d("standard", 4, 4, kernel=(3, 2, 3))


LAYERS = {
    "full": Conv3d(16, 24, 3, padding=1),
    "full, dilated": Conv3d(16, 24, 3, padding=(1, 2, 2), dilation=(1, 2, 2), bias=False),
    "full, strided": Conv3d(16, 24, 3, stride=2, padding=1),
    "spatial": Conv3d(16, 24, (1, 3, 3), padding=(0, 1, 1), bias=False),
    "spatial, strided": Conv3d(16, 24, (1, 7, 7), stride=(1, 2, 2), padding=(0, 3, 3)),
    "temporal": Conv3d(16, 24, (3, 1, 1), padding=(1, 0, 0)),
    "temporal, dilated": Conv3d(16, 24, (3, 1, 1), padding=(4, 0, 0), dilation=(4, 1, 1)),
    "temporal, strided": Conv3d(16, 24, (3, 1, 1), stride=(2, 1, 1), padding=(1, 0, 0)),
    "pointwise": Conv3d(16, 24, 1),
    "pointwise, padded": Conv3d(16, 24, 1, padding=1),
    "pointwise, strided": Conv3d(16, 24, 1, stride=2, bias=False),
    "depthwise": Conv3d(24, 24, 3, padding=1, groups=24, bias=False),
    "depthwise, dilated": Conv3d(
        24, 24, 3, padding=(2, 3, 3), dilation=(2, 3, 3), groups=24, bias=False
    ),
    "depthwise, beyond the clip": Conv3d(
        24, 24, 3, padding=(9, 1, 1), dilation=(9, 1, 1), groups=24, bias=False
    ),
}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS.keys())
def test_the_cpu_path_equals_the_plain_convolution(layer: Conv3d) -> None:
    given = clip(2, layer.in_channels, 5, 11, 14)
    plain = nn.Conv3d.forward(layer, given)
    torch.testing.assert_close(layer(given), plain, atol=1e-5, rtol=1e-4)
    with torch.no_grad():
        torch.testing.assert_close(layer(given), plain, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS.keys())
def test_the_cpu_paths_gradients_equal_those_of_the_plain_convolution(layer: Conv3d) -> None:
    given = clip(2, layer.in_channels, 5, 11, 14)
    ours = gradients(layer, given)
    for name, wanted in gradients(layer, given, plain=True).items():
        torch.testing.assert_close(ours[name], wanted, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS.keys())
def test_bfloat16_gradients_point_where_float32_ones_do(layer: Conv3d) -> None:
    given = clip(2, layer.in_channels, 8, 12, 16)
    wanted = gradients(layer, given)
    for name, gradient in gradients(layer, given, bfloat16=True).items():
        assert cosine(gradient, wanted[name]) > 0.99, name


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_gradients_of_each_kind_point_where_float32_ones_do(kind: Kind) -> None:
    torch.manual_seed(0)
    layer = conv3d(kind, 16, 32, spatial_dilation=2)
    given = clip(2, 16, 8, 14, 20)
    wanted = gradients(layer, given)
    for name, gradient in gradients(layer, given, bfloat16=True).items():
        assert cosine(gradient, wanted[name]) > 0.99, name


def test_a_frozen_depthwise_layer_still_passes_the_gradient_on() -> None:
    layer = Conv3d(8, 8, 3, padding=1, groups=8, bias=False).requires_grad_(False)
    given = clip(1, 8, 3, 5, 5).requires_grad_()
    layer(given).sum().backward()
    assert given.grad is not None
    assert given.grad.abs().sum() > 0
    assert layer.weight.grad is None


@pytest.mark.parametrize(
    "layer",
    [
        Conv3d(16, 24, (1, 3, 3), padding=(0, 1, 1), groups=8),
        Conv3d(16, 16, 3, padding=1, groups=16),
        Conv3d(16, 16, 3, stride=2, padding=1, groups=16, bias=False),
        Conv3d(16, 24, 3, padding=1, padding_mode="reflect"),
    ],
    ids=["groups", "depthwise with bias", "depthwise with stride", "reflection"],
)
def test_what_would_train_through_the_broken_kernels_is_refused(layer: Conv3d) -> None:
    given = clip(1, 16, 3, 5, 5)
    with pytest.raises(ValueError, match="must have zero padding and one group"):
        layer(given)
    with torch.no_grad():
        assert torch.equal(layer(given), nn.Conv3d.forward(layer, given))


@pytest.mark.parametrize("frames", [1, 2, 8])
@pytest.mark.parametrize("dilation", [1, 2])
def test_tap_by_tap_is_the_same_convolution(frames: int, dilation: int) -> None:
    layer = nn.Conv3d(
        6,
        6,
        3,
        padding=(1, dilation, dilation),
        dilation=(1, dilation, dilation),
        groups=6,
        bias=False,
    ).double()
    given = clip(2, 6, frames, 9, 7).double()
    torch.testing.assert_close(convolve_each_tap(layer, given), layer(given))
    wanted = gradients(layer, given)
    given.requires_grad_()
    layer.zero_grad()
    found = convolve_each_tap(layer, given)
    torch.autograd.backward((found * clip(*found.shape, seed=1)).sum())
    assert given.grad is not None
    assert layer.weight.grad is not None
    torch.testing.assert_close(given.grad, wanted["input"])
    torch.testing.assert_close(layer.weight.grad, wanted["weight"])
