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
    """An input or output: NumPy's name of its type, and its axes' lengths or names if dynamic."""

    kind: str
    shape: tuple[int | str, ...]


class Graph(Protocol):
    """One file of a model, loaded; `takes` and `gives` are its inputs and outputs by name."""

    provider: str
    metadata: Mapping[str, str]
    takes: Mapping[str, Port]
    gives: Mapping[str, Port]

    def run(
        self, given: Mapping[str, NDArray[np.generic]], outputs: Sequence[str]
    ) -> list[NDArray[np.float32]]: ...
