"""The action head: what the person in a box does, from features that only actions use."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.action_motion import MotionScores
from model.autocast import without_autocast
from model.decoder import upsample
from model.tents import tents


class ActionHead(nn.Module):
    """Scores the actions of the objects in a clip, each in its box.

    The paper crops its final feature map. Here that map and the encoder's deepest have forgotten
    what things are by learning where they are, so the head has deep stages of its own, `branch`, on
    the encoder's map `source`. Boxes are read at `grid` points along each side, and grow by
    `margin`, a share of them, for what people hold and kick. The branch sees each `stride`th frame.
    What `motion` says is added to the scores.

    Source: Hou et al., BMVC 2019, Section 4, "Experiments on J-HMDB".
    """

    def __init__(
        self,
        labels: Sequence[str],
        *,
        source: int,
        branch: nn.Module,
        channels: int,
        width: int = 1280,
        grid: int = 7,
        margin: float = 0.6,
        stride: int = 4,
        dropout: float = 0.5,
        motion: MotionScores | None = None,
    ) -> None:
        super().__init__()
        self.labels = tuple(labels)
        self.source = source
        self.branch = branch
        self.grid = grid
        self.margin = margin
        self.stride = stride
        self.widen = nn.Linear(channels, width)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(width, len(self.labels))
        self.motion = motion

    def forward(self, maps: Sequence[Tensor], boxes: Tensor) -> Tensor:
        """Score the box of each frame, (N, T, 4), from the encoder's maps: (N, T, labels)."""
        features = self.describe(maps[self.source], boxes.shape[1]).flatten(0, 1)
        scores = self.classify(features, boxes.flatten(0, 1).unsqueeze(1))
        return scores.reshape(*boxes.shape[:2], -1)

    def describe(self, shared: Tensor, length: int) -> Tensor:
        """Map the encoder's map `source` to the features of `length` frames, (N, T, C, h, w)."""
        # An encoder may stride in time itself.
        stride = self.stride if shared.shape[2] == length else 1
        features: Tensor = self.branch(shared[:, :, ::stride])
        if features.shape[2] != length:
            features = upsample(features, (length, *features.shape[3:]))
        return features.transpose(1, 2)

    def classify(self, features: Tensor, boxes: Tensor, flow: Tensor | None = None) -> Tensor:
        """Return unnormalised log-probabilities (F, K, labels) for features (F, C, h, w).

        Boxes (F, K, 4) are left, top, right and bottom, from 0 to 1 over the network's picture;
        flow is as `MotionScores.forward` takes it.
        """
        points = resample(features, grow(boxes, self.margin), self.grid)
        # ReLU6 and the mean as at the end of the EfficientNet whose weights it starts from.
        description = F.relu6(self.widen(points)).mean(2)
        with without_autocast(features.device.type):
            scores: Tensor = self.classifier(self.dropout(description.float()))
            if self.motion is not None and flow is not None:
                scores = scores + self.motion(flow, boxes)
        return scores


def grow(boxes: Tensor, margin: float) -> Tensor:
    """Push each side of boxes (..., 4) out by a share of the box, at most to the picture's edge."""
    near, far = boxes[..., :2], boxes[..., 2:]
    more = margin * (far - near)
    return torch.cat((near - more, far + more), dim=-1).clamp(0, 1)


def resample(features: Tensor, boxes: Tensor, grid: int) -> Tensor:
    """Read features (F, C, h, w) at `grid` x `grid` points in boxes (F, K, 4): (F, K, points, C).

    Bilinear interpolation is a product with a matrix of tents, one for each point. So it runs, and
    trains, as a matrix product, which every runtime has.

    Source: He et al., "Mask R-CNN", ICCV 2017, Section 3, RoIAlign with one sample a bin.
    """
    with without_autocast(features.device.type):
        columns = tents(boxes[..., 0], boxes[..., 2], grid, features.shape[3])
        rows = tents(boxes[..., 1], boxes[..., 3], grid, features.shape[2])
        # (F, K, grid, grid, h, w)
        weights = rows[:, :, :, None, :, None] * columns[:, :, None, :, None, :]
        pixels = features.float().flatten(2).transpose(1, 2).unsqueeze(1)  # (F, 1, h * w, C)
        return weights.flatten(4).flatten(2, 3) @ pixels
