"""How sure an action head is, made to fit how often it is right."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar
from torch import Tensor

from model.actions import ActionHead

# Beyond these a head says nothing, or would be sure of everything.
TEMPERATURES = (0.05, 20.0)


def fit_temperature(scores: Sequence[Tensor], answers: Sequence[int]) -> float:
    """Return what to divide scores by for the least cross-entropy: above 1 if the head is too sure.

    Scores are unnormalised log-probabilities (F, labels) of each clip; clips count alike, however
    many frames they have. Raises ValueError without a clip, or an answer to each.

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, Section 4.2.
    """
    if not scores or len(scores) != len(answers):
        raise ValueError(
            f"There must be an answer a clip, got {len(scores)} clips and {len(answers)} answers."
        )

    def loss(logarithm: float) -> float:
        temperature = math.exp(logarithm)
        losses = [
            F.cross_entropy(of_clip.double() / temperature, torch.full((len(of_clip),), answer))
            for of_clip, answer in zip(scores, answers, strict=True)
        ]
        return float(torch.stack(losses).mean())

    bounds = tuple(math.log(temperature) for temperature in TEMPERATURES)
    found = minimize_scalar(loss, bounds=bounds, method="bounded")
    return math.exp(float(found.x))


@torch.no_grad()
def divide_scores(head: ActionHead, temperature: float) -> None:
    head.classifier.weight.div_(temperature)
    head.classifier.bias.div_(temperature)
    if head.motion is not None:
        head.motion.share.div_(temperature)
