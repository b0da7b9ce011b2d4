"""A model file small enough to make in each test: what is red is foreground."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from pipeline.spec import INPUT_NAME, OUTPUT_NAME, ModelSpec

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
) -> Path:
    """Write an ONNX model whose probability of foreground is red over 255.

    Args:
        path: of the file.
        metadata: in place of that of `SPEC`.
        input_name: in place of the right one.
        channels: in place of the right number.
    """
    nodes = [
        helper.make_node("Gather", [input_name, "red"], ["bytes"], axis=4),
        helper.make_node("Cast", ["bytes"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["floats", "white"], [OUTPUT_NAME]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info(
                input_name, TensorProto.UINT8, ["N", SPEC.clip_length, "H", "W", channels]
            )
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
