"""The decoder: upsampling, a convolution, and the encoder's features beside it, stage by stage."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.convolution import Kind, conv3d


class Decoder(nn.Module):
    """Stages of trilinear upsampling, a 3-D convolution, and concatenation of an encoder map.

    Channels and widths go from coarse to fine. One width more than there are skips adds a
    convolution over the last concatenation, which the paper doesn't have; ValueError for other
    numbers.

    Source: Hou et al., BMVC 2019, Section 3.2 and Figure 2; the widths aren't given there.
    """

    def __init__(
        self,
        in_channels: int,
        skip_channels: Sequence[int],
        widths: Sequence[int],
        convolution: Kind = "separable",
        temporal: bool = True,
    ) -> None:
        super().__init__()
        if len(widths) - len(skip_channels) not in (0, 1):
            raise ValueError(
                f"There must be {len(skip_channels)} widths, as many as skips, or one more, got "
                f"{len(widths)}."
            )
        kernel = (3 if temporal else 1, 3, 3)
        stages = nn.ModuleList()
        channels = in_channels
        for width, skip in zip(widths, skip_channels, strict=False):
            stages.append(conv3d(convolution, channels, width, kernel=kernel))
            channels = width + skip
        self.stages = stages
        self.fuse: nn.Module | None = None
        if len(widths) > len(skip_channels):
            self.fuse = conv3d(convolution, channels, widths[-1], kernel=kernel)
            channels = widths[-1]
        self.channels = channels

    def forward(self, features: Tensor, skips: Sequence[Tensor]) -> Tensor:
        """Bring features (N, C, T, H, W) to the T, H and W of the finest skip."""
        for stage, skip in zip(self.stages, skips, strict=True):
            features = torch.cat([stage(upsample(features, skip.shape[2:])), skip], dim=1)
        if self.fuse is not None:
            features = self.fuse(features)
        return features


def upsample(features: Tensor, size: Sequence[int]) -> Tensor:
    """Interpolate (N, C, T, H, W) trilinearly to the T, H and W of `size`."""
    if torch.compiler.is_exporting() and features.shape[2] == size[0]:
        # Runtimes resize in two dimensions faster, and all of them can.
        frames = F.interpolate(
            features.flatten(1, 2), size=list(size[1:]), mode="bilinear", align_corners=False
        )
        return frames.reshape(*features.shape[:3], *size[1:])
    return F.interpolate(features, size=list(size), mode="trilinear", align_corners=False)
