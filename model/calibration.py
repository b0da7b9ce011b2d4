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
    """Find what scores have to be divided by for the right answers to be the most probable.

    Args:
        scores: of each clip, (F, labels), unnormalised log-probabilities in F frames, at least one.
        answers: the right label of each clip; clips count alike, however many frames they have.

    Returns:
        The temperature of the least cross-entropy: below 1 where the head is less sure than it may
        be, above 1 where it is too sure.

    Raises:
        ValueError: there are no clips, or not as many answers.

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
    """Change a head so that it gives its scores divided by a temperature."""
    head.classifier.weight.div_(temperature)
    head.classifier.bias.div_(temperature)
