"""Where a model's time goes, by kinds of layers: `python -m benchmarks.layers`.

One thread of ONNX Runtime, or of OpenVINO, over one clip. What convolutions reach stands beside the
speed of a matrix product of the same machine in the same run.
"""

import argparse
import json
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from benchmarks.devices import HEIGHT, WIDTH
from pipeline.network.motion import MotionEstimator
from pipeline.network.self_test import moving_square
from pipeline.network.spec import CUES_NAME, INPUT_NAME, ModelSpec

_WARM_UP, _ROUNDS = 1, 3
_SIDE = 1536

Given = Mapping[str, NDArray[np.uint8]]


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
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_profiling = True
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = f"{folder}/profile"
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        spec = ModelSpec.from_metadata(session.get_modelmeta().custom_metadata_map)
        for _ in range(_WARM_UP + _ROUNDS):
            session.run(None, dict(_given(spec)))
        events = json.loads(Path(session.end_profiling()).read_text())
    nodes = [e for e in events if e.get("cat") == "Node" and e["name"].endswith("_kernel_time")]
    nodes = nodes[len(nodes) * _WARM_UP // (_WARM_UP + _ROUNDS) :]
    ms: Counter[str] = Counter()
    operations: defaultdict[str, float] = defaultdict(float)
    for node in nodes:
        kind = _kind(node["args"])
        ms[kind] += node["dur"] / 1000 / _ROUNDS
        operations[kind] += 2 * _multiplications(node["args"]) / _ROUNDS
    peak = _matrix_product_speed()
    print(f"{sum(ms.values()):.0f} ms a clip; a matrix product runs at {peak:.0f} GFLOP/s")
    for kind, its in ms.most_common():
        speed = operations[kind] / its / 1e6
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
        request.infer(dict(_given(spec)))
        if turn >= _WARM_UP:
            for layer in request.profiling_info:
                taken_ms = layer.real_time.total_seconds() * 1000
                ms[f"{layer.node_type}, {layer.exec_type}"] += taken_ms / _ROUNDS
    print(f"{sum(ms.values()):.0f} ms a clip")
    for kind, its in ms.most_common():
        if its > 0.005 * sum(ms.values()):
            print(f"{its / sum(ms.values()):6.1%} {kind}")


def _given(spec: ModelSpec) -> Given:
    clip = moving_square(spec.clip_length, HEIGHT, WIDTH)
    if not spec.cues:
        return {INPUT_NAME: clip}
    return {INPUT_NAME: clip, CUES_NAME: MotionEstimator().maps(list(clip[0]))[np.newaxis]}


def _shapes(arguments: Mapping[str, Any], of: str) -> Sequence[Sequence[int]]:
    return [next(iter(each.values())) for each in arguments.get(of, ())]


def _kind(arguments: Mapping[str, Any]) -> str:
    """Name a layer's kind; of convolutions, how they mix channels and time."""
    if "Conv" not in arguments["op_name"]:
        return str(arguments["op_name"])
    weight = _shapes(arguments, "input_type_shape")[1]
    axes = f"{len(weight) - 2}-D"
    if weight[1] == 1:
        return f"depthwise convolution, {axes}"
    return f"{'pointwise' if prod(weight[2:]) == 1 else 'full'} convolution, {axes}"


def _multiplications(arguments: Mapping[str, Any]) -> int:
    """Count those of a convolution; what else there is has next to none."""
    if "Conv" not in arguments["op_name"]:
        return 0
    weight = _shapes(arguments, "input_type_shape")[1]
    return prod(_shapes(arguments, "output_type_shape")[0]) * prod(weight[1:])


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
