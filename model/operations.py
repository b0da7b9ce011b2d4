"""Counts the operations and parameters of a network as built; prints the paper's Table 5."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from model.convolution import Kind
from model.presets import PAPER, build


@dataclass(frozen=True)
class Operations:
    """The cost of one run of some modules, multiplications as Equations 1 to 5 count them."""

    multiplications: int
    parameters: int

    @property
    def total(self) -> int:
        """Multiplications and additions together, as Table 5 counts them: one for one."""
        return 2 * self.multiplications

    @property
    def megabytes(self) -> float:
        """The size of the parameters in float32, 10^6 bytes."""
        return 4 * self.parameters / 1e6


def count_operations(
    network: nn.Module, clips: Tensor, modules: Sequence[nn.Module] | None = None
) -> Operations:
    """Run a network once and count, in all of it or in some modules, as Equations 1 to 5 do.

    Interpolation, normalisation, activations and biases aren't in them. On the `meta` device
    nothing is computed, so any size is counted at once.
    """
    counted = [network] if modules is None else list(modules)
    multiplications = 0

    def add(layer: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal multiplications
        assert isinstance(layer, nn.Conv2d | nn.Conv3d | nn.Linear)
        # Each output value is one dot product with a filter.
        multiplications += output.numel() * layer.weight[0].numel()

    layers = {layer for module in counted for layer in module.modules() if _multiplies(layer)}
    handles = [layer.register_forward_hook(add) for layer in layers]
    try:
        with torch.no_grad():
            network(clips)
    finally:
        for handle in handles:
            handle.remove()
    parameters = {id(p): p.numel() for module in counted for p in module.parameters()}
    return Operations(multiplications, sum(parameters.values()))


def _multiplies(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Conv2d | nn.Conv3d | nn.Linear)


def table5(kind: Kind) -> Operations:
    """Count the paper's pyramid and decoder as its Table 5 does: 8 frames of 320 x 320."""
    with torch.device("meta"):
        network = build(replace(PAPER, convolution=kind)).eval()
        clips = torch.empty(1, 8, 320, 320, 3, dtype=torch.uint8)
    return count_operations(network, clips, [network.pyramid, network.decoder, network.scores])


def print_table5() -> None:
    print("Pyramid pooling and decoder, 8 frames of 320 x 320; the widths are inferred.")
    print(f"{'convolution':<12}{'operations':>12}{'paper':>8}{'parameters':>13}{'weights':>9}")
    published: dict[Kind, str] = {"standard": "136 G", "r2plus1d": "136 G", "separable": "6 G"}
    for kind, paper in published.items():
        cost = table5(kind)
        print(
            f"{kind:<12}{cost.total / 1e9:>10.2f} G{paper:>8}"
            f"{cost.parameters / 1e6:>11.3f} M{cost.megabytes:>6.1f} MB"
        )
    standard, separable = table5("standard"), table5("separable")
    print(
        f"standard / separable: operations {standard.total / separable.total:.1f}, "
        f"parameters {standard.parameters / separable.parameters:.1f}"
    )


if __name__ == "__main__":
    print_table5()
