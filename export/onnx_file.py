"""Writes a network as one ONNX file that says what it is."""

from math import prod
from pathlib import Path

import numpy as np
import onnx
import onnx.numpy_helper
import torch
from torch import Tensor, nn

from pipeline.spec import INPUT_NAME, OUTPUT_NAME, ModelSpec

OPSET = 20
# In blocks of the spec's multiple; ONNX Runtime is free to go beyond them.
MOST_CLIPS, MOST_BLOCKS = 64, 64
FEWEST_HALVED = 1024


class Probabilities(nn.Module):
    """A network whose forward gives probabilities instead of logits."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, clips: Tensor) -> Tensor:
        """Map clips (N, T, H, W, 3) uint8, RGB to probabilities (N, T, H, W) float32."""
        logits: Tensor = self.network(clips)
        return logits.sigmoid()


def write(network: nn.Module, spec: ModelSpec, path: Path, *, half: bool = False) -> None:
    """Export a network, with clips of any number and size and of the spec's length.

    Args:
        network: gives the foreground's logit, as `model.network.SegmentationNetwork`.
        spec: goes into the file's metadata.
        path: of the `.onnx` file, which holds its weights too; its folder is made.
        half: whether the file holds the weights as float16. It is half as large then; runtimes
            compute in float32 as before.

    Raises:
        onnx.checker.ValidationError: the exported graph isn't valid.
    """
    wrapped = Probabilities(network).eval()
    side = 3 * spec.multiple  # not square below, so that H and W can't be taken for one another
    example = torch.zeros(2, spec.clip_length, side, side + spec.multiple, 3, dtype=torch.uint8)
    sizes = {
        axis: spec.multiple * torch.export.Dim(name, min=1, max=MOST_BLOCKS)
        for axis, name in ((2, "rows"), (3, "columns"))
    }
    program = torch.onnx.export(
        wrapped,
        (example,),
        dynamo=True,
        opset_version=OPSET,
        input_names=[INPUT_NAME],
        output_names=[OUTPUT_NAME],
        dynamic_shapes=({0: torch.export.Dim("clips", min=1, max=MOST_CLIPS), **sizes},),
        verbose=False,
    )
    if program is None:
        raise RuntimeError("Got no program from torch.onnx.export, wanted one.")
    model = program.model_proto
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, spec.to_metadata())
    if half:
        keep_as_half(model.graph)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    onnx.save_model(model, part)
    part.replace(path)


def keep_as_half(graph: onnx.GraphProto) -> None:
    """Keep a graph's float32 weights as float16, each brought back by a Cast.

    Runtimes fold the casts away when they load the file. Small tensors stay: they hold next to
    nothing, and some of them are scales and biases that float16 would round for no gain.
    """
    casts = []
    for weight in graph.initializer:
        if weight.data_type != onnx.TensorProto.FLOAT or prod(weight.dims) < FEWEST_HALVED:
            continue
        values = onnx.numpy_helper.to_array(weight)
        name = weight.name
        weight.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(
            onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]  # a graph's nodes stand in the order in which they run
    del graph.node[:]
    graph.node.extend(nodes)
