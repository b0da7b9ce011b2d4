"""The R(2+1)D encoder, with torchvision's parameter names and a temporal size to choose."""

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Literal

import torch
from torch import Tensor, nn

from model.convolution import middle_channels
from model.cpu_training import Conv3d
from model.encoder import Encoder

Depth = Literal[18, 34]
TemporalSize = Literal[1, 2, 4]


class R2Plus1D(Encoder):
    """R(2+1)D: residual blocks whose convolutions are a spatial one and a temporal one.

    Its parameters have the names and shapes of torchvision's `r2plus1d_18`, or of the R(2+1)D-34
    trained on IG-65M, without the classifier `fc`. With a temporal size of 4 the maps of a clip (8,
    H, W) are 64 channels at (8, H / 2, W / 2), 128 at (4, H / 4, W / 4), 256 at (4, H / 8, W / 8)
    and 512 at (4, H / 16, W / 16); 1 is the original. Where a temporal stride is taken out, the
    convolutions after it are dilated: every second (fourth) frame of the last map is exactly what
    the original network gives.

    Source: Tran et al., "A Closer Look at Spatiotemporal Convolutions for Action Recognition", CVPR
    2018, Section 3; for the temporal size, Hou et al., BMVC 2019, Section 3.2 and Table 4.
    """

    channels = (64, 128, 256, 512)
    mean = (0.43216, 0.394666, 0.37645)
    std = (0.22803, 0.22145, 0.216989)

    def __init__(self, depth: Depth = 18, temporal_size: TemporalSize = 4) -> None:
        super().__init__()
        if depth not in (18, 34):
            raise ValueError(f"depth must be 18 or 34, got {depth}.")
        if temporal_size not in (1, 2, 4):
            raise ValueError(f"temporal_size must be 1, 2 or 4, got {temporal_size}.")
        blocks = (2, 2, 2, 2) if depth == 18 else (3, 4, 6, 3)
        strides = {1: (1, 2, 2, 2), 2: (1, 2, 2, 1), 4: (1, 2, 1, 1)}[temporal_size]
        self.stem = nn.Sequential(
            Conv3d(3, 45, (1, 7, 7), stride=(1, 2, 2), padding=(0, 3, 3), bias=False),
            nn.BatchNorm3d(45),
            nn.ReLU(inplace=True),
            Conv3d(45, 64, (3, 1, 1), padding=(1, 0, 0), bias=False),
            nn.BatchNorm3d(64),
            nn.ReLU(inplace=True),
        )
        wide = depth == 34
        self.layer1 = _layer(64, 64, blocks[0], spatial_stride=1, temporal_stride=1)
        self.layer2 = _layer(64, 128, blocks[1], temporal_stride=strides[1], wide=wide)
        self.layer3 = _layer(128, 256, blocks[2], temporal_stride=strides[2], wide=wide)
        # Frames of layer 3 lie twice as dense as in the original if its stride is taken out.
        dilation = 2 // strides[2]
        self.layer4 = _layer(
            256, 512, blocks[3], temporal_stride=strides[3], dilation=dilation, wide=wide
        )
        if depth == 34:
            _set_epsilon(self, 1e-3)

    def forward(self, clips: Tensor) -> list[Tensor]:
        maps = []
        features: Tensor = self.stem(clips)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            features = layer(features)
            maps.append(features)
        return maps


class Block(nn.Module):
    """Two (2+1)-D convolutions and a skip; only the first strides."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        middle: tuple[int, int],
        *,
        spatial_stride: int = 1,
        temporal_stride: int = 1,
        dilations: tuple[int, int] = (1, 1),
    ) -> None:
        super().__init__()
        stride = (temporal_stride, spatial_stride)
        first = _conv2plus1d(in_channels, out_channels, middle[0], stride, dilations[0])
        second = _conv2plus1d(out_channels, out_channels, middle[1], (1, 1), dilations[1])
        self.conv1 = nn.Sequential(first, nn.BatchNorm3d(out_channels), nn.ReLU(inplace=True))
        self.conv2 = nn.Sequential(second, nn.BatchNorm3d(out_channels))
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if in_channels != out_channels:
            strides = (temporal_stride, spatial_stride, spatial_stride)
            self.downsample = nn.Sequential(
                Conv3d(in_channels, out_channels, 1, stride=strides, bias=False),
                nn.BatchNorm3d(out_channels),
            )

    def forward(self, features: Tensor) -> Tensor:
        kept = features if self.downsample is None else self.downsample(features)
        out: Tensor = self.relu(self.conv2(self.conv1(features)) + kept)
        return out


def _layer(
    in_channels: int,
    out_channels: int,
    blocks: int,
    *,
    temporal_stride: int,
    spatial_stride: int = 2,
    dilation: int = 1,
    wide: bool = False,
) -> nn.Sequential:
    """Build a run of blocks whose first one strides, in time by 2 or, where that is taken out, 1.

    `wide` gives its second convolution a middle width of its own, as in IG-65M's R(2+1)D-34.
    """
    inner = middle_channels(out_channels, out_channels, (3, 3, 3))
    entry = middle_channels(in_channels, out_channels, (3, 3, 3))
    # The convolution that would stride still meets its input as before; what follows it doesn't.
    removed = in_channels != out_channels and temporal_stride == 1
    later = dilation * 2 if removed else dilation
    first = Block(
        in_channels,
        out_channels,
        (entry, inner if wide else entry),
        spatial_stride=spatial_stride,
        temporal_stride=temporal_stride,
        dilations=(dilation, later),
    )
    rest = (
        Block(out_channels, out_channels, (inner, inner), dilations=(later, later))
        for _ in range(blocks - 1)
    )
    return nn.Sequential(first, *rest)


def _conv2plus1d(
    in_channels: int, out_channels: int, middle: int, stride: tuple[int, int], dilation: int
) -> nn.Sequential:
    """Build a spatial 1x3x3 and a temporal 3x1x1 convolution; `stride` is of T and of H and W."""
    time, space = stride
    return nn.Sequential(
        Conv3d(
            in_channels,
            middle,
            (1, 3, 3),
            stride=(1, space, space),
            padding=(0, 1, 1),
            bias=False,
        ),
        nn.BatchNorm3d(middle),
        nn.ReLU(inplace=True),
        Conv3d(
            middle,
            out_channels,
            (3, 1, 1),
            stride=(time, 1, 1),
            padding=(dilation, 0, 0),
            dilation=(dilation, 1, 1),
            bias=False,
        ),
    )


def _set_epsilon(network: nn.Module, epsilon: float) -> None:
    """Set the epsilon of batch normalisation, which isn't in a checkpoint."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            module.eps = epsilon


def load_kinetics(encoder: R2Plus1D, path: Path) -> None:
    """Load a checkpoint trained on Kinetics or IG-65M; ValueError unless all of it fits.

    torchvision's is https://download.pytorch.org/models/r2plus1d_18-91a641e6.pth; `fc` isn't used.
    """
    try:
        given = torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(f"{path} must be a checkpoint that torch can read.") from error
    if not isinstance(given, Mapping) or not all(isinstance(v, Tensor) for v in given.values()):
        raise ValueError(f"{path} must hold a state dict, {{name: tensor}}.")
    given = {k: v for k, v in given.items() if not k.startswith("fc.") and not _is_count(k)}
    wanted = {k: v for k, v in encoder.state_dict().items() if not _is_count(k)}
    faults = [f"{key} is missing" for key in wanted if key not in given]
    faults += [f"{key} is unknown" for key in given if key not in wanted]
    faults += [
        f"{key} must be {tuple(value.shape)}, got {tuple(given[key].shape)}"
        for key, value in wanted.items()
        if key in given and given[key].shape != value.shape
    ]
    if faults:
        more = f" and {len(faults) - 4} more" if len(faults) > 4 else ""
        raise ValueError(f"{path} is of another network: {'; '.join(faults[:4])}{more}.")
    encoder.load_state_dict(given, strict=False)


def _is_count(key: str) -> bool:
    return key.endswith("num_batches_tracked")
