"""What a model does with a clip, node by node, as ONNX Runtime's profile tells."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pipeline.network.motion import MotionEstimator
from pipeline.network.self_test import moving_square
from pipeline.network.spec import CUES_NAME, INPUT_NAME, ModelSpec

HEIGHT, WIDTH = 256, 448

Given = Mapping[str, NDArray[np.uint8]]


def inputs_of(spec: ModelSpec) -> Given:
    """Return a clip of `HEIGHT` x `WIDTH` in which something moves."""
    clip = moving_square(spec.clip_length, HEIGHT, WIDTH)
    if not spec.cues:
        return {INPUT_NAME: clip}
    return {INPUT_NAME: clip, CUES_NAME: MotionEstimator().maps(list(clip[0]))[np.newaxis]}


def profiled(model: Path, warm_up: int, rounds: int) -> Sequence[Mapping[str, Any]]:
    """Run a clip by one thread, and return the events of the nodes of all `rounds`."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_profiling = True
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = f"{folder}/profile"
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        spec = ModelSpec.from_metadata(session.get_modelmeta().custom_metadata_map)
        for _ in range(warm_up + rounds):
            session.run(None, dict(inputs_of(spec)))
        events = json.loads(Path(session.end_profiling()).read_text())
    nodes = [e for e in events if e.get("cat") == "Node" and e["name"].endswith("_kernel_time")]
    return nodes[len(nodes) * warm_up // (warm_up + rounds) :]


def kind_of(node: Mapping[str, Any]) -> str:
    """Name a node's kind; of convolutions, how they mix channels and time."""
    if "Conv" not in node["args"]["op_name"]:
        return str(node["args"]["op_name"])
    weight = _shapes(node, "input_type_shape")[1]
    axes = f"{len(weight) - 2}-D"
    if weight[1] == 1:
        return f"depthwise convolution, {axes}"
    return f"{'pointwise' if prod(weight[2:]) == 1 else 'full'} convolution, {axes}"


def gflop(node: Mapping[str, Any]) -> float:
    """Count a convolution's multiplications and additions; what else there is has next to none."""
    if "Conv" not in node["args"]["op_name"]:
        return 0.0
    weight = _shapes(node, "input_type_shape")[1]
    return 2 * prod(_shapes(node, "output_type_shape")[0]) * prod(weight[1:]) / 1e9


def _shapes(node: Mapping[str, Any], of: str) -> Sequence[Sequence[int]]:
    return [next(iter(each.values())) for each in node["args"].get(of, ())]
