"""The mean of two trained networks, weight by weight."""

from collections.abc import Mapping

import torch
from torch import Tensor

# A part that further training may have added to a network.
HEAD = "actions."


def mean_weights(
    first: Mapping[str, Tensor], second: Mapping[str, Tensor], share: float = 0.5
) -> dict[str, Tensor]:
    """Average the weights of a network before and after further training.

    The mean of both ends keeps much of what the first stage was better at.

    Args:
        first: a network's state.
        second: the same network's, trained from the first.
        share: of the second in the mean, 0 to 1.

    Returns:
        The mean of each weight and buffer; counters, which aren't floating-point, are the second's,
        and so is an action head that only the second has.

    Raises:
        ValueError: the states are of different networks, or the share is out of range.

    Source: Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022, Equation 1,
    with `share` for the mixing coefficient.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"Got a share of {share}, wanted 0 to 1.")
    if not any(name.startswith(HEAD) for name in first):
        added = {name: value for name, value in second.items() if name.startswith(HEAD)}
        first = {**first, **added}
    shapes = [{name: value.shape for name, value in state.items()} for state in (first, second)]
    if shapes[0] != shapes[1]:
        differing = [
            name
            for name in sorted(shapes[0].keys() | shapes[1].keys())
            if shapes[0].get(name) != shapes[1].get(name)
        ]
        raise ValueError(f"Got weights of two networks: they differ in {', '.join(differing[:5])}.")
    return {
        name: torch.lerp(first[name], value, share) if value.is_floating_point() else value
        for name, value in second.items()
    }
