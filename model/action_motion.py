"""What the motion of a person's parts says of the action, beside what the pictures say."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from dataset.values import LabelledSequence
from evaluation.predictions import FPS
from model.boxes import tight_boxes
from model.tents import tents
from pipeline.network.motion import SCALE, MotionEstimator
from pipeline.network.preprocess import fit as fit_picture
from pipeline.network.preprocess import to_network
from pipeline.network.spec import ModelSpec
from pipeline.values import NO_ACTION

GRID = 18
CELLS = 3
DIRECTIONS = 8
# The flow itself, and how each of its parts changes in space, each in bins of all directions and
# one of rest.
DESCRIPTION = 3 * CELLS**2 * (DIRECTIONS + 1)

# What people hold and kick moves, too: the share of the box by which it grows on each side.
_MARGIN = 0.25
# Speeds in heights of the box a second: beyond the first, fast ones count by their logarithm; below
# the second, things rest.
_SLOW = 0.25
_REST = 0.1
_DECAY = 3e-3


class MotionScores(nn.Module):
    """Scores actions by histograms of oriented flow in 3 x 3 cells of a box, one frame at a time.

    Scores are how much likelier than in the mean each action makes that motion, as a logarithm, and
    0 for `none`, and for a frame without any motion. They are 0 until `fit` has been called.

    Source: Dalal et al., "Human Detection Using Oriented Histograms of Flow and Appearance", ECCV
    2006, and Wang et al., "Dense Trajectories and Motion Boundary Descriptors for Action
    Recognition", IJCV 2013, Section 3.2, less the trajectories.
    """

    angles: Tensor
    share: Tensor

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__()
        if labels[0] != NO_ACTION:
            raise ValueError(f"the first label must be {NO_ACTION}, got {labels[0]}")
        self.classifier = nn.Linear(DESCRIPTION, len(labels) - 1)
        nn.init.zeros_(self.classifier.weight)
        nn.init.zeros_(self.classifier.bias)
        turns = torch.arange(DIRECTIONS) * (2 * math.pi / DIRECTIONS)
        self.register_buffer("angles", torch.stack([turns.cos(), turns.sin()]), persistent=False)
        self.register_buffer("share", torch.ones(()))

    def forward(self, flow: Tensor, boxes: Tensor) -> Tensor:
        """Score K boxes (F, K, 4), 0 to 1 over the picture, in each of F frames: (F, K, labels).

        Flow is (F, H / 2, W / 2, 2): pixels of the picture (H, W) a second, less the camera's.
        """
        logits = self.classifier(self.describe(flow, boxes))
        likelier = logits.log_softmax(-1) + math.log(logits.shape[-1])
        known = flow.abs().amax((1, 2, 3)) > 0
        return F.pad(self.share * known[:, None, None] * likelier, (1, 0))

    def describe(self, flow: Tensor, boxes: Tensor) -> Tensor:
        """Describe the motion in boxes: (F, K, 243), square roots of histograms."""
        near, far = boxes[..., :2], boxes[..., 2:]
        near, far = near - _MARGIN * (far - near), far + _MARGIN * (far - near)
        columns, rows = (
            tents(near[..., axis], far[..., axis], GRID, flow.shape[2 - axis], smooth=True)
            for axis in (0, 1)
        )
        # (F, K, 2, rows, columns)
        moves = rows.unsqueeze(2) @ flow.permute(0, 3, 1, 2).unsqueeze(1)
        moves = moves @ columns.unsqueeze(2).transpose(-1, -2)
        height = (boxes[..., 3] - boxes[..., 1]) * (flow.shape[1] * SCALE)
        moves = moves / height.clamp(min=1)[..., None, None, None]
        across, down = moves.unbind(2)
        changes = [torch.stack([_right(part), _below(part)], 2) for part in (across, down)]
        bins = [self._histograms(part) for part in (moves, *changes)]
        return torch.cat(bins, -1).sqrt()

    def _histograms(self, vectors: Tensor) -> Tensor:
        """Map vectors (F, K, 2, GRID, GRID) to the mean of each bin in each cell, (F, K, 81)."""
        length = vectors.square().sum(2, keepdim=True).sqrt()
        weighted = vectors * (torch.log1p(length / _SLOW) / length.clamp(min=1e-4))
        along = F.relu(torch.einsum("fkcyx,cd->fkdyx", weighted, self.angles))
        bins = torch.cat([along, torch.exp(-length / _REST)], 2)
        return F.avg_pool2d(bins.flatten(0, 1), GRID // CELLS).reshape(*vectors.shape[:2], -1)


def _right(part: Tensor) -> Tensor:
    return F.pad(part[..., 1:] - part[..., :-1], (1, 0))


def _below(part: Tensor) -> Tensor:
    return F.pad(part[..., 1:, :] - part[..., :-1, :], (0, 0, 1, 0))


def own_flow(pictures: Sequence[NDArray[np.uint8]], fps: float = FPS) -> Tensor:
    """Return what moves by itself in neighbouring pictures, as `MotionScores` takes it."""
    estimator = MotionEstimator()
    around = zip([None, *pictures[:-1]], pictures, [*pictures[1:], None], strict=True)
    moves = [estimator.estimate(*three).own for three in around]
    height, width, _ = pictures[0].shape
    still = np.zeros((height // SCALE, width // SCALE, 2), np.float32)
    return torch.from_numpy(np.stack([still if own is None else own * fps for own in moves]))


@torch.inference_mode()
def describe_person(
    scores: MotionScores, clip: LabelledSequence, spec: ModelSpec
) -> Iterator[Tensor]:
    """Describe the motion in the true boxes of a clip, and mirrored: (F, 243) each."""
    height, width, _ = clip.frame(0).shape
    to = fit_picture(height, width, spec)
    boxes = tight_boxes(np.stack(list(clip.masks())))
    flow = own_flow([to_network(frame, to) for frame in clip.frames()])
    used = np.isfinite(boxes[:, 0]) & flow.abs().amax((1, 2, 3)).numpy().astype(bool)
    if not used.any():
        return
    share = (to.scaled_width / to.padded_width, to.scaled_height / to.padded_height)
    placed = torch.from_numpy(boxes[used] * np.array(share * 2, np.float32)).unsqueeze(1)
    moves = flow[torch.from_numpy(used)]
    yield scores.describe(moves, placed)[:, 0]
    mirrored = 1 - placed[..., [2, 1, 0, 3]]
    mirrored[..., [1, 3]] = placed[..., [1, 3]]
    yield scores.describe(moves.flip(2) * torch.tensor([-1.0, 1.0]), mirrored)[:, 0]


def fit(scores: MotionScores, descriptions: Sequence[Tensor], answers: Sequence[int]) -> None:
    """Fit scores to clips that count alike: descriptions (F, 243) of each, and its action's number.

    That is multinomial logistic regression on standardised descriptions, with weight decay.
    """
    given = torch.cat(list(descriptions))
    lengths = [len(of_clip) for of_clip in descriptions]
    wanted = torch.tensor(answers).repeat_interleave(torch.tensor(lengths))
    counts = torch.cat([torch.full((n,), 1 / (n * len(lengths))) for n in lengths])
    mean, deviation = given.mean(0), given.std(0) + 1e-3
    scaled = (given - mean) / deviation
    weight = torch.zeros(scores.classifier.out_features, DESCRIPTION, requires_grad=True)
    bias = torch.zeros(scores.classifier.out_features, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        each = F.cross_entropy(F.linear(scaled, weight, bias), wanted, reduction="none")
        value = (each * counts).sum() + _DECAY * weight.square().sum()
        torch.autograd.backward(value)
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        scores.classifier.weight.copy_(weight / deviation)
        scores.classifier.bias.copy_(bias - F.linear(mean, weight / deviation))
