"""The three 3-D convolutions of the paper, one interchangeable for the other."""

from typing import Literal, get_args

from torch import nn

from model.cpu_training import Conv3d

Kind = Literal["standard", "r2plus1d", "separable"]


def conv3d(
    kind: Kind,
    in_channels: int,
    out_channels: int,
    *,
    kernel: tuple[int, int, int] = (3, 3, 3),
    spatial_dilation: int = 1,
    temporal_dilation: int = 1,
) -> nn.Sequential:
    """Build a 3-D convolution that keeps T, H and W, with batch normalisation and ReLU after it.

    The paper doesn't place the normalisation. R2plus1D has it between its two parts as well, as its
    authors do; the separable convolution hasn't, so that its parts are one factored linear map, as
    in Xception, and the widest maps pass through memory once less. Raises ValueError for another
    kind, or a kernel with an even side.

    Source: Hou et al., BMVC 2019, Section 3.1, Equations 1 to 6.
    """
    if any(side % 2 == 0 for side in kernel):
        raise ValueError(f"kernel must have odd sides, which keep T, H and W, got {kernel}.")
    dilation = (temporal_dilation, spatial_dilation, spatial_dilation)
    if kind == "standard":
        parts: list[nn.Module] = [_same(in_channels, out_channels, kernel, dilation)]
    elif kind == "r2plus1d":
        middle = middle_channels(in_channels, out_channels, kernel)
        parts = [
            _same(in_channels, middle, (1, kernel[1], kernel[2]), dilation),
            nn.BatchNorm3d(middle),
            nn.ReLU(inplace=True),
            _same(middle, out_channels, (kernel[0], 1, 1), dilation),
        ]
    elif kind == "separable":
        parts = [
            _same(in_channels, in_channels, kernel, dilation, groups=in_channels),
            _same(in_channels, out_channels, (1, 1, 1), (1, 1, 1)),
        ]
    else:
        wanted = ", ".join(get_args(Kind))
        raise ValueError(f"kind must be one of {wanted}, got {kind!r}.")
    return nn.Sequential(*parts, nn.BatchNorm3d(out_channels), nn.ReLU(inplace=True))


def middle_channels(in_channels: int, out_channels: int, kernel: tuple[int, int, int]) -> int:
    """Return R2plus1D's inner width M' (after Equation 5; Tran et al., CVPR 2018, Section 3.5).

    >>> middle_channels(64, 64, (3, 3, 3))
    144
    """
    time, area = kernel[0], kernel[1] * kernel[2]
    weights = in_channels * out_channels * time * area
    return weights // (out_channels * time + in_channels * area)


def pointwise(in_channels: int, out_channels: int) -> nn.Sequential:
    """Build a 1x1x1 convolution with batch normalisation and ReLU after it."""
    return nn.Sequential(
        _same(in_channels, out_channels, (1, 1, 1), (1, 1, 1)),
        nn.BatchNorm3d(out_channels),
        nn.ReLU(inplace=True),
    )


def _same(
    in_channels: int,
    out_channels: int,
    kernel: tuple[int, int, int],
    dilation: tuple[int, int, int],
    groups: int = 1,
) -> Conv3d:
    padding = (
        dilation[0] * (kernel[0] // 2),
        dilation[1] * (kernel[1] // 2),
        dilation[2] * (kernel[2] // 2),
    )
    return Conv3d(
        in_channels,
        out_channels,
        kernel,
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=False,
    )
