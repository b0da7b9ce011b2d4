"""A model file small enough to make in each test: what is red is foreground."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from pipeline.network.spec import (
    ACTIONS_NAME,
    BOXES_NAME,
    CUES_NAME,
    FEATURES_NAME,
    INPUT_NAME,
    OUTPUT_NAME,
    SHARED_NAME,
    ModelSpec,
    actions_file,
    features_file,
)

SPEC = ModelSpec(
    name="tiny",
    version="1",
    clip_length=8,
    short_side=64,
    long_side=128,
    multiple=32,
    licence="Apache-2.0",
    data="none",
    measured={},
    git_revision="",
)


def write_model(
    path: Path,
    *,
    metadata: dict[str, str] | None = None,
    input_name: str = INPUT_NAME,
    channels: int = 3,
    cue_channels: int | None = None,
) -> Path:
    """Write an ONNX model whose probability of foreground is red over 255; cues change nothing."""
    nodes = [
        helper.make_node("Gather", [input_name, "red"], ["bytes"], axis=4),
        helper.make_node("Cast", ["bytes"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["floats", "white"], [OUTPUT_NAME]),
    ]
    takes = {input_name: channels}
    if cue_channels is not None:
        takes[CUES_NAME] = cue_channels
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info(
                name, TensorProto.UINT8, ["N", SPEC.clip_length, f"{name} H", f"{name} W", count]
            )
            for name, count in takes.items()
        ],
        [
            helper.make_tensor_value_info(
                OUTPUT_NAME, TensorProto.FLOAT, ["N", SPEC.clip_length, "H", "W"]
            )
        ],
        [
            numpy_helper.from_array(np.array(0), "red"),
            numpy_helper.from_array(np.array(255, np.float32), "white"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    helper.set_model_props(model, SPEC.to_metadata() if metadata is None else metadata)
    onnx.save(model, str(path))
    return path


def write_blurring_model(path: Path) -> Path:
    """Write a model whose probability in each frame is the mean of red over its clip."""
    model = onnx.load(write_model(path))
    model.graph.node[-1].output[0] = "each"
    model.graph.initializer.append(numpy_helper.from_array(np.array([1]), "time"))
    model.graph.node.extend(
        [
            helper.make_node("ReduceMean", ["each", "time"], ["mean"]),
            helper.make_node("Shape", ["each"], ["shape"]),
            helper.make_node("Expand", ["mean", "shape"], [OUTPUT_NAME]),
        ]
    )
    onnx.save(model, str(path))
    return path


def write_action_model(path: Path, labels: Sequence[str]) -> Path:
    """Write the three files of a model that is sure of the last label wherever there is red."""
    metadata = replace(SPEC, labels=tuple(labels)).to_metadata()
    write_model(path, metadata=metadata)
    model = onnx.load(path)
    axes = numpy_helper.from_array(np.array([1]), "axes")
    model.graph.initializer.append(axes)
    model.graph.node.append(helper.make_node("Unsqueeze", [OUTPUT_NAME, "axes"], [SHARED_NAME]))
    model.graph.output.append(_floats(SHARED_NAME, 5))
    onnx.save(model, str(path))
    turn = helper.make_node("Transpose", [SHARED_NAME], [FEATURES_NAME], perm=[0, 2, 1, 3, 4])
    features = helper.make_graph(
        [turn], "tiny", [_floats(SHARED_NAME, 5)], [_floats(FEATURES_NAME, 5)]
    )
    _save(features, metadata, features_file(path))
    weights = np.zeros((1, len(labels)), np.float32)
    weights[0, -1] = 1000
    nodes = [
        helper.make_node("ReduceMean", [FEATURES_NAME, "all"], ["red"], keepdims=0),  # (F,)
        helper.make_node("Unsqueeze", ["red", "last"], ["column"]),  # (F, 1, 1)
        helper.make_node("ReduceMean", [BOXES_NAME, "third"], ["middle"]),  # (F, K, 1)
        helper.make_node("Mul", ["middle", "zero"], ["nothing"]),
        helper.make_node("Add", ["column", "nothing"], ["of_boxes"]),
        helper.make_node("MatMul", ["of_boxes", "weights"], ["scores"]),
        helper.make_node("LogSoftmax", ["scores"], [ACTIONS_NAME], axis=-1),
    ]
    constants = [
        numpy_helper.from_array(np.array([1, 2, 3]), "all"),
        numpy_helper.from_array(np.array([1, 2]), "last"),
        numpy_helper.from_array(np.array([2]), "third"),
        numpy_helper.from_array(np.array(0, np.float32), "zero"),
        numpy_helper.from_array(weights, "weights"),
    ]
    takes = [_floats(FEATURES_NAME, 4), _floats(BOXES_NAME, 3)]
    actions = helper.make_graph(nodes, "tiny", takes, [_floats(ACTIONS_NAME, 3)], constants)
    _save(actions, metadata, actions_file(path))
    return path


def _floats(name: str, axes: int) -> onnx.ValueInfoProto:
    shape = [f"{name}{axis}" for axis in range(axes)]
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _save(graph: onnx.GraphProto, metadata: dict[str, str], path: Path) -> None:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    helper.set_model_props(model, metadata)
    onnx.save(model, str(path))
