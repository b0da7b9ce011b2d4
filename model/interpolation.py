"""The mean of two trained networks, weight by weight."""

from collections.abc import Mapping

from torch import Tensor


def mean_weights(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Average the weights of a network before and after further training.

    The mean of both ends keeps much of what the first stage was better at.

    Args:
        first: a network's state.
        second: the same network's, trained from the first.

    Returns:
        The mean of each weight and buffer; counters, which aren't floating-point, are the second's.

    Raises:
        ValueError: the states are of different networks.

    Source: Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022, Equation 1,
    with a mixing coefficient of 0.5.
    """
    shapes = [{name: value.shape for name, value in state.items()} for state in (first, second)]
    if shapes[0] != shapes[1]:
        differing = [
            name
            for name in sorted(shapes[0].keys() | shapes[1].keys())
            if shapes[0].get(name) != shapes[1].get(name)
        ]
        raise ValueError(f"Got weights of two networks: they differ in {', '.join(differing[:5])}.")
    return {
        name: (first[name] + value) / 2 if value.is_floating_point() else value
        for name, value in second.items()
    }
