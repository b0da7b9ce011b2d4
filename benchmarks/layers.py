"""Where a model's time goes, by kinds of layers: `python -m benchmarks.layers`.

One thread of ONNX Runtime, or of OpenVINO, over one clip. What convolutions reach stands beside the
speed of a matrix product of the same machine in the same run.
"""

import argparse
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from benchmarks import operations
from pipeline.network.spec import ModelSpec

_WARM_UP, _ROUNDS = 1, 3
_SIDE = 1536


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.layers", description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("weights/default.onnx"))
    parser.add_argument("--openvino", choices=("f32", "bf16"), help="in place of ONNX Runtime")
    arguments = parser.parse_args()
    if arguments.openvino is None:
        by_onnx_runtime(arguments.model)
    else:
        by_openvino(arguments.model, arguments.openvino)


def by_onnx_runtime(model: Path) -> None:
    """Print time and operations of each kind of layer."""
    ms: Counter[str] = Counter()
    done: defaultdict[str, float] = defaultdict(float)
    for node in operations.profiled(model, _WARM_UP, _ROUNDS):
        kind = operations.kind_of(node)
        ms[kind] += node["dur"] / 1000 / _ROUNDS
        done[kind] += operations.gflop(node) / _ROUNDS
    peak = _matrix_product_speed()
    print(f"{sum(ms.values()):.0f} ms a clip; a matrix product runs at {peak:.0f} GFLOP/s")
    for kind, its in ms.most_common():
        speed = 1000 * done[kind] / its
        told = f"{speed:6.1f} GFLOP/s, {speed / peak:4.0%} of it" if speed else ""
        print(f"{its / sum(ms.values()):6.1%} {kind:32} {told}")


def by_openvino(model: Path, precision: str) -> None:
    # Here, since it takes a second.
    import openvino  # noqa: PLC0415

    core = openvino.Core()
    options = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": 1,
        "PERF_COUNT": True,
    }
    read = core.read_model(model)
    request = core.compile_model(read, "CPU", options).create_infer_request()
    spec = ModelSpec.from_metadata(read.get_rt_info("framework").value)
    ms: Counter[str] = Counter()
    for turn in range(_WARM_UP + _ROUNDS):
        request.infer(dict(operations.inputs_of(spec)))
        if turn >= _WARM_UP:
            for layer in request.profiling_info:
                taken_ms = layer.real_time.total_seconds() * 1000
                ms[f"{layer.node_type}, {layer.exec_type}"] += taken_ms / _ROUNDS
    print(f"{sum(ms.values()):.0f} ms a clip")
    for kind, its in ms.most_common():
        if its > 0.005 * sum(ms.values()):
            print(f"{its / sum(ms.values()):6.1%} {kind}")


def _matrix_product_speed() -> float:
    """Return the GFLOP of NumPy's float32 matrix product in a second of one core."""
    matrix = np.random.default_rng(0).random((_SIDE, _SIDE), np.float32)
    seconds = []
    for _ in range(5):
        started = time.process_time()
        matrix @ matrix
        seconds.append(time.process_time() - started)
    return float(2 * _SIDE**3 / min(seconds) / 1e9)


if __name__ == "__main__":
    main()
