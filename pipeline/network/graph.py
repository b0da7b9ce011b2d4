"""One file of a model, loaded: what it takes, what it gives and how to run it, whatever runs it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

Device = Literal["cpu", "cuda", "openvino", "openvino-bf16"]
"""Where a model runs, and by what: ONNX Runtime on a CPU or a GPU, or OpenVINO on a CPU."""

DEVICES: tuple[Device, ...] = get_args(Device)


@dataclass(frozen=True)
class Port:
    """An input or an output of a graph.

    Attributes:
        kind: of its numbers, such as `uint8`.
        shape: the length of each axis, or a name where it may be any.
    """

    kind: str
    shape: tuple[int | str, ...]


class Graph(Protocol):
    """One file of a model, loaded.

    Attributes:
        provider: what runs it.
        metadata: what the file says of itself.
        takes: the inputs by name.
        gives: the outputs by name.
    """

    provider: str
    metadata: Mapping[str, str]
    takes: Mapping[str, Port]
    gives: Mapping[str, Port]

    def run(
        self, given: Mapping[str, NDArray[np.generic]], outputs: Sequence[str]
    ) -> list[NDArray[np.float32]]:
        """Compute the outputs of those names from all inputs."""
        ...
