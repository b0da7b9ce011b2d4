"""Writes a network as one ONNX file that says what it is, or as three if it names actions."""

import copy
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
import torch
from torch import Tensor, nn

from export.framewise import FramewisePyramid, is_separable
from model.actions import ActionHead
from model.checkpoint import FEWEST_HALVED
from model.cues import without_cues
from model.network import SegmentationNetwork
from pipeline.network.spec import (
    ACTIONS_NAME,
    BOXES_NAME,
    CUES_NAME,
    FEATURES_NAME,
    FLOW_NAME,
    INPUT_NAME,
    OUTPUT_NAME,
    SHARED_NAME,
    ModelSpec,
    actions_file,
    features_file,
)

OPSET = 20
# In blocks of the spec's multiple; ONNX Runtime is free to go beyond them.
MOST_CLIPS, MOST_BLOCKS = 64, 64


class Probabilities(nn.Module):
    """A network whose forward gives probabilities (N, T, H, W) instead of logits."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, clips: Tensor, cues: Tensor | None = None) -> Tensor:
        logits: Tensor = self.network(clips, cues)
        return logits.sigmoid()


class Shared(nn.Module):
    """A network whose forward gives the map (N, C, T, h, w) of its action head, too."""

    def __init__(self, network: SegmentationNetwork):
        super().__init__()
        self.network = network

    def forward(self, clips: Tensor, cues: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self.network.share(clips, cues)


class Features(nn.Module):
    """An action head whose forward gives the features (N, T, C, h, w) of clips of one length."""

    def __init__(self, head: ActionHead, length: int):
        super().__init__()
        self.head = head
        self.length = length

    def forward(self, shared: Tensor) -> Tensor:
        return self.head.describe(shared, self.length)


class Classifier(nn.Module):
    """An action head whose forward takes features and gives log-probabilities (F, K, labels)."""

    def __init__(self, head: ActionHead):
        super().__init__()
        self.head = head

    def forward(self, features: Tensor, boxes: Tensor, flow: Tensor | None = None) -> Tensor:
        return self.head.classify(features, boxes, flow).log_softmax(-1)


def write(network: SegmentationNetwork, spec: ModelSpec, path: Path, *, half: bool = False) -> None:
    """Export a network, its weights inside, for clips of any number and size.

    An action head goes to `features_file(path)` and `actions_file(path)`. With `half` weights are
    kept as float16; runtimes compute in float32 as before. Raises ValueError if labels or cues
    aren't the spec's.
    """
    labels = network.actions.labels if network.actions is not None else ()
    if (network.cues is not None) != spec.cues:
        raise ValueError(f"the network must take cues as its spec says, which is {spec.cues}")
    if labels != spec.labels:
        raise ValueError(f"The network's labels must be {spec.labels}, got {labels}.")
    if is_separable(network.pyramid):
        network = copy.deepcopy(network).eval()
        network.pyramid = FramewisePyramid(network.pyramid)  # type: ignore[assignment]
    side = 3 * spec.multiple  # not square below, so that H and W can't be taken for one another
    clips = torch.zeros(2, spec.clip_length, side, side + spec.multiple, 3, dtype=torch.uint8)
    given: tuple[Tensor, ...] = (clips,)
    names = [INPUT_NAME]
    if network.cues is not None:
        given, names = (clips, without_cues(clips)), [INPUT_NAME, CUES_NAME]
    axes = [torch.export.Dim("clips", min=1, max=MOST_CLIPS)] + [
        torch.export.Dim(name, min=1, max=MOST_BLOCKS) for name in ("rows", "columns")
    ]
    shapes = tuple(
        {0: axes[0], 2: block * axes[1], 3: block * axes[2]}
        for block in (spec.multiple, spec.multiple // 2)[: len(given)]
    )
    if network.actions is None:
        program = _export(Probabilities(network), given, shapes, names, [OUTPUT_NAME])
        _save(program, spec, path, half)
        return
    sharing = Shared(network).eval()
    program = _export(sharing, given, shapes, names, [OUTPUT_NAME, SHARED_NAME])
    _save(program, spec, path, half)
    with torch.inference_mode():
        _, shared = sharing(*given)
        features = network.actions.describe(shared, spec.clip_length)
    # The sides of the shared map keep what it takes to halve them as often as the branch does.
    step = spec.multiple * shared.shape[4] // clips.shape[3]
    of_shared = {0: torch.export.Dim("clips", min=1, max=MOST_CLIPS)} | {
        axis: step * torch.export.Dim(name, min=1, max=MOST_BLOCKS)
        for axis, name in ((3, "rows"), (4, "columns"))
    }
    describing = Features(network.actions, spec.clip_length)
    program = _export(describing, (shared.clone(),), (of_shared,), [SHARED_NAME], [FEATURES_NAME])
    _save(program, spec, features_file(path), half)
    _write_actions(network.actions, features[0, :3].clone(), spec, path, half)


def _write_actions(
    head: ActionHead, features: Tensor, spec: ModelSpec, path: Path, half: bool
) -> None:
    frames = len(features)
    example: tuple[Tensor, ...] = (features, torch.rand(frames, 2, 4))
    names = [FEATURES_NAME, BOXES_NAME]
    shapes: tuple[dict[int, Any], ...] = (
        {0: torch.export.Dim("frames", min=1, max=MOST_CLIPS)} | _sides("", 2),
        {0: torch.export.Dim.AUTO, 1: torch.export.Dim("boxes", min=1, max=MOST_CLIPS)},
    )
    if head.motion is not None:
        example = (*example, torch.randn(frames, 3 * spec.multiple, 4 * spec.multiple, 2))
        names.append(FLOW_NAME)
        shapes = (*shapes, {0: torch.export.Dim.AUTO} | _sides("flow_", 1, spec.multiple))
    program = _export(Classifier(head), example, shapes, names, [ACTIONS_NAME])
    _save(program, spec, actions_file(path), half)


def _sides(name: str, first: int, step: int = 1) -> dict[int, Any]:
    """Let two axes be of any length, the first of them at `first`."""
    return {
        first + axis: torch.export.Dim(f"{name}{side}", min=1, max=step * MOST_BLOCKS)
        for axis, side in enumerate(("rows", "columns"))
    }


def _export(
    module: nn.Module,
    example: tuple[Tensor, ...],
    shapes: tuple[dict[int, Any], ...],
    inputs: Sequence[str],
    outputs: Sequence[str],
) -> onnx.ModelProto:
    program = torch.onnx.export(
        module.eval(),
        example,
        dynamo=True,
        opset_version=OPSET,
        input_names=inputs,
        output_names=outputs,
        dynamic_shapes=shapes,
        verbose=False,
    )
    if program is None:
        raise RuntimeError("torch.onnx.export gave no program.")
    return program.model_proto


def _save(model: onnx.ModelProto, spec: ModelSpec, path: Path, half: bool) -> None:
    _forget_origins(model)
    onnx.helper.set_model_props(model, spec.to_metadata())
    if half:
        keep_as_half(model.graph)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    onnx.save_model(model, part)
    part.replace(path)


def _forget_origins(model: onnx.ModelProto) -> None:
    """Drop what the exporter notes of each part, such as stacks with the paths of this machine."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output):
        del part.metadata_props[:]


def keep_as_half(graph: onnx.GraphProto) -> None:
    """Keep a graph's large float32 weights as float16, each with a Cast that runtimes fold away."""
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
