"""3-D pyramid pooling: the same features seen at several spatial scales, T kept."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from model.convolution import Kind, conv3d, pointwise
from model.cpu_training import Conv3d


class PyramidPooling(nn.Module):
    """Branches of different spatial dilation, concatenated and projected.

    One 3x3x3 convolution per rate (temporal dilation 1; 1x3x3 if not `temporal`), one 1x1x1, and
    the frame-level features, each half as wide as the output: the paper doesn't give widths, and
    these meet its Table 5. A rate near the map's side meets padding with every off-centre tap.

    Source: Hou et al., BMVC 2019, Section 3.2, "3D Pyramid Pooling".
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        rates: Sequence[int] = (6, 12, 18),
        frame_features: bool = True,
        convolution: Kind = "separable",
        temporal: bool = True,
    ) -> None:
        super().__init__()
        width = out_channels // 2
        kernel = (3 if temporal else 1, 3, 3)
        self.dilated = nn.ModuleList(
            conv3d(convolution, in_channels, width, kernel=kernel, spatial_dilation=rate)
            for rate in rates
        )
        self.pointwise = pointwise(in_channels, width)
        self.frame = FrameFeatures(in_channels, width) if frame_features else None
        branches = len(rates) + 1 + int(frame_features)
        self.project = pointwise(branches * width, out_channels)

    def forward(self, features: Tensor) -> Tensor:
        branches = [branch(features) for branch in self.dilated]
        branches.append(self.pointwise(features))
        if self.frame is not None:
            branches.append(self.frame(features))
        projected: Tensor = self.project(torch.cat(branches, dim=1))
        return projected


class FrameFeatures(nn.Module):
    """Each frame's mean, projected and copied to its pixels: too few values for batch norm."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.project = Conv3d(in_channels, out_channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        mean = features.mean(dim=(3, 4), keepdim=True)
        # Expand, not Resize: runtimes mishandle resizing from a side of 1.
        projected: Tensor = self.project(mean).relu()
        return projected.expand(-1, -1, -1, features.shape[3], features.shape[4])
