"""The mean of trained networks, weight by weight."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

# A part that further training may have added to a network.
HEAD = "actions."
CUES = "cues."
MOTION = "actions.motion."


def mean_weights(
    before: Mapping[str, Tensor], after: Sequence[Mapping[str, Tensor]], share: float = 0.5
) -> dict[str, Tensor]:
    """Average the weights and buffers of a network before and after further training.

    The mean of both ends keeps much of what the first stage was better at; several runs, whose part
    in the mean is `share`, 0 to 1, do what their ensemble would. Counters are the last run's; a new
    action head is the mean of the runs'. Raises ValueError for states of different networks.

    Source: Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022, Equation 1, and
    "Model soups", ICML 2022, Section 2.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share must be between 0 and 1, got {share}.")
    *others, last = after
    for other in others:
        _require_same_shapes(other, last)
    mean = {
        name: torch.stack([state[name] for state in after]).mean(0)
        if value.is_floating_point()
        else value
        for name, value in last.items()
    }
    if not any(name.startswith(HEAD) for name in before):
        before = {**before, **{name: mean[name] for name in mean if name.startswith(HEAD)}}
    _require_same_shapes(before, last)
    return {
        name: torch.lerp(before[name], value, share) if value.is_floating_point() else value
        for name, value in mean.items()
    }


def _require_same_shapes(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> None:
    shapes = [{name: value.shape for name, value in state.items()} for state in (first, second)]
    if shapes[0] != shapes[1]:
        differing = [
            name
            for name in sorted(shapes[0].keys() | shapes[1].keys())
            if shapes[0].get(name) != shapes[1].get(name)
        ]
        raise ValueError(
            f"Weights must be of one network, and differ in {', '.join(differing[:5])}."
        )
