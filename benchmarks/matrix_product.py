"""How fast a machine multiplies matrices, which bounds what a model can reach on it."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.network.graph import Device

_SIDE = 1536
_ROUNDS = 7


def gflops(device: Device) -> float | None:
    """Return the best speed of a square product, by all cores, in what the device computes in.

    By OpenVINO for its devices, by NumPy for `cpu`; None for others.
    """
    if device == "cuda":
        return None
    matrix = np.random.default_rng(0).random((_SIDE, _SIDE), np.float32)
    multiply = _by_openvino(matrix, device) if device != "cpu" else lambda: matrix @ matrix
    seconds = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        multiply()
        seconds.append(time.perf_counter() - started)
    return 2 * _SIDE**3 / min(seconds) / 1e9


def _by_openvino(matrix: NDArray[np.float32], device: Device) -> Callable[[], object]:
    # Here, since it takes a second, and isn't there on a GPU.
    import openvino  # noqa: PLC0415
    from openvino import opset13 as ops  # noqa: PLC0415

    from pipeline.network import openvino_graph  # noqa: PLC0415

    given = ops.parameter(matrix.shape, np.float32, name="given")
    # Its second half is constant, as weights are.
    product = ops.result(ops.matmul(given, ops.constant(matrix), False, False), name="product")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "product.xml"
        openvino.save_model(openvino.Model([product], [given]), file, compress_to_fp16=False)
        graph = openvino_graph.open_graph(file, device, None)
    ((name, _),) = graph.takes.items()
    return lambda: graph.run({name: matrix}, list(graph.gives))
