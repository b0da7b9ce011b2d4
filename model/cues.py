"""What a network is given beside the pictures: what moves by itself."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from model.autocast import without_autocast
from model.efficientnet import SamePadConv2d, TemporalResidual
from pipeline.network.spec import CUES


class Cues(nn.Module):
    """A small stream over cues, joined to the encoder's maps at 1/4, 1/8 and 1/16 of the picture.

    The join is a scale and a shift of each channel at each place, so that motion can silence what
    stands out and doesn't move. It starts at zero, which leaves the maps as they are.

    Source: Perez et al., "FiLM: Visual Reasoning with a General Conditioning Layer", AAAI 2018,
    Equation 1.
    """

    def __init__(
        self, channels: Sequence[int], widths: tuple[int, int, int] = (32, 48, 96)
    ) -> None:
        super().__init__()
        first, second, third = widths
        self.quarter = _strided(CUES, first)
        self.eighth = _strided(first, second)
        self.sixteenth = _strided(second, third)
        self.context = nn.ModuleList(_Context(third, rate) for rate in (2, 4))
        self.mixing = TemporalResidual(third)
        self.fine = nn.Sequential(nn.Conv2d(first, first, 3, padding=1), nn.ReLU(inplace=True))
        self.joins = nn.ModuleList(
            _zeroed(nn.Conv2d(own, 2 * theirs, 1))
            for own, theirs in zip(widths, channels, strict=True)
        )
        self.scores = nn.ModuleList(nn.Linear(own, 1) for own in widths)

    def forward(self, maps: Sequence[Tensor], cues: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Join cues (N, T, H / 2, W / 2, 3) to maps (N, C, T, h, w); return those and its own."""
        batch, length = cues.shape[:2]
        stream = cues.flatten(0, 1).permute(0, 3, 1, 2).float() / 255
        quarter = self.quarter(stream)
        eighth = self.eighth(quarter)
        sixteenth = self.sixteenth(eighth)
        for part in self.context:
            sixteenth = part(sixteenth, length)
        sixteenth = F.relu(self.mixing(sixteenth, length))
        own = [self.fine(quarter), eighth, sixteenth]
        joined = []
        for features, told, join in zip(maps, own, self.joins, strict=True):
            change = join(told).reshape(batch, length, -1, *told.shape[2:]).transpose(1, 2)
            scale, shift = change.chunk(2, dim=1)
            joined.append(features * (1 + scale) + shift)
        return joined, own

    def score(self, own: Sequence[Tensor], size: Sequence[int]) -> Tensor:
        """Score pixels by the stream's own maps, for a loss of its own: logits (N, *size)."""
        with without_autocast(own[0].device.type):
            total: Tensor | None = None
            for told, linear in zip(own, self.scores, strict=True):
                logit = linear(told.float().movedim(1, -1)).movedim(-1, 1)
                at_finest = F.interpolate(logit, own[0].shape[2:], mode="bilinear")
                total = at_finest if total is None else total + at_finest
            assert total is not None
            logits = F.interpolate(total, list(size[1:]), mode="bilinear")
        return logits.reshape(-1, *size)


class _Context(nn.Module):
    """Adds a dilated convolution, and what a frame and its clip show as a whole."""

    def __init__(self, channels: int, rate: int):
        super().__init__()
        self.near = nn.Conv2d(channels, channels, 3, padding=rate, dilation=rate)
        self.frame = nn.Conv2d(channels, channels, 1)
        self.clip = nn.Conv2d(channels, channels, 1)

    def forward(self, frames: Tensor, length: int) -> Tensor:
        mean = frames.mean(dim=(2, 3), keepdim=True)
        clips = frames.reshape(-1, length, *frames.shape[1:])
        # What moves in some frames of a clip only is wanted in all of them.
        over_time = self.clip(clips.mean(dim=1)).unsqueeze(1).expand_as(clips).flatten(0, 1)
        return frames + F.relu(self.near(frames) + self.frame(mean) + over_time)


def _strided(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        SamePadConv2d(inputs, outputs, 3, stride=2), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


def _zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def without_cues(clips: Tensor) -> Tensor:
    """Return the cues of clips (N, T, H, W, 3) of which nothing but the pictures is known."""
    batch, length, height, width, _ = clips.shape
    return clips.new_zeros(batch, length, height // 2, width // 2, CUES)
