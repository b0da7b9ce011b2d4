"""Running a model file on clips, through one protocol whatever the device."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError, ProviderError
from pipeline.network import onnx_graph
from pipeline.network.cores import limited_cores
from pipeline.network.graph import Device, Graph
from pipeline.network.spec import (
    ACTIONS_NAME,
    BOXES_NAME,
    CUES,
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


class Session(Protocol):
    """A loaded model; `provider` is what really runs it."""

    spec: ModelSpec
    device: str
    provider: str

    def run(
        self, clips: NDArray[np.uint8], cues: NDArray[np.uint8] | None = None, /
    ) -> NDArray[np.float32]:
        """Map clips (N, L, H, W, 3), cues (N, L, H/2, W/2, 3) to probabilities (N, L, H, W)."""
        ...


@runtime_checkable
class ActionSession(Session, Protocol):
    """A loaded model that names actions, too."""

    def describe(
        self, clips: NDArray[np.uint8], cues: NDArray[np.uint8] | None = None, /
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what `run` does, and features (N, L, C, h, w) that actions are named from."""
        ...

    def classify(
        self,
        features: NDArray[np.float32],
        boxes: NDArray[np.float32],
        flow: NDArray[np.float32],
        /,
    ) -> NDArray[np.float32]:
        """Return log-probabilities (F, K, labels) for features (F, C, h, w) and boxes (F, K, 4).

        Boxes are left, top, right, bottom, from 0 to 1 over the network's picture with its padding;
        flow is (F, H / 2, W / 2, 2), pixels of the picture a second, 0 where nothing is known.
        """
        ...


class ModelSession:
    """A `Session` of a model file in the runtime of its device; `load` makes one."""

    def __init__(self, masks: Graph, spec: ModelSpec, device: Device) -> None:
        self._masks = masks
        self.spec = spec
        self.device: str = device
        self.provider: str = masks.provider

    def run(
        self, clips: NDArray[np.uint8], cues: NDArray[np.uint8] | None = None, /
    ) -> NDArray[np.float32]:
        """Find the foreground; ValueError for clips or cues of a wrong shape or type."""
        return self._run(clips, cues, [OUTPUT_NAME])[0]

    def _run(
        self, clips: NDArray[np.uint8], cues: NDArray[np.uint8] | None, outputs: list[str]
    ) -> list[NDArray[np.float32]]:
        multiple = self.spec.multiple
        shape = clips.shape
        if (
            clips.dtype != np.uint8
            or len(shape) != 5
            or (shape[1], shape[4]) != (self.spec.clip_length, 3)
            or shape[2] % multiple
            or shape[3] % multiple
        ):
            raise ValueError(
                f"Clips must be (N, {self.spec.clip_length}, H, W, 3) uint8 with H and W multiples "
                f"of {multiple}, got {shape} {clips.dtype}."
            )
        given = {INPUT_NAME: clips}
        if self.spec.cues:
            wanted = (*shape[:2], shape[2] // 2, shape[3] // 2, CUES)
            given[CUES_NAME] = np.zeros(wanted, np.uint8) if cues is None else cues
        if cues is not None and (not self.spec.cues or cues.shape != wanted):
            raise ValueError(
                f"cues of clips {shape} must be {wanted if self.spec.cues else None}, "
                f"got {cues.shape}"
            )
        return self._masks.run(given, outputs)


class ActionModelSession(ModelSession):
    """An `ActionSession` of the three files of a model that names actions; `load` makes one."""

    def __init__(
        self, masks: Graph, features: Graph, actions: Graph, spec: ModelSpec, device: Device
    ) -> None:
        super().__init__(masks, spec, device)
        self._features = features
        self._actions = actions

    def describe(
        self, clips: NDArray[np.uint8], cues: NDArray[np.uint8] | None = None, /
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        probabilities, shared = self._run(clips, cues, [OUTPUT_NAME, SHARED_NAME])
        (features,) = self._features.run({SHARED_NAME: shared}, [FEATURES_NAME])
        return probabilities, features

    def classify(
        self,
        features: NDArray[np.float32],
        boxes: NDArray[np.float32],
        flow: NDArray[np.float32],
        /,
    ) -> NDArray[np.float32]:
        given = {FEATURES_NAME: features, BOXES_NAME: boxes}
        if FLOW_NAME in self._actions.takes:
            given[FLOW_NAME] = flow
        (scores,) = self._actions.run(given, [ACTIONS_NAME])
        return scores


def load(model: Path, device: Device, threads: int | None = None) -> ModelSession:
    """Load a model that `python -m export` wrote: an `ActionModelSession` where it names actions.

    `threads` are of one inference on a CPU; None for one a core that this process may use. Raises
    ModelError for files that can't be read, aren't ours or aren't of one export, ProviderError if
    what the device needs isn't there.
    """
    threads = threads or limited_cores()
    masks = _open(model, device, threads)
    spec = ModelSpec.from_metadata(masks.metadata)
    outputs = {OUTPUT_NAME: 4, SHARED_NAME: 5} if spec.labels else {OUTPUT_NAME: 4}
    inputs = {INPUT_NAME: 5, CUES_NAME: 5} if spec.cues else {INPUT_NAME: 5}
    _check(masks, inputs, outputs)
    channels = {INPUT_NAME: 3, CUES_NAME: CUES}
    for name in inputs:
        shape = masks.takes[name].shape
        if (shape[1], shape[4]) != (spec.clip_length, channels[name]):
            raise ModelError(
                f"The model must take {name} (N, {spec.clip_length}, H, W, {channels[name]}), "
                f"got {list(shape)}."
            )
    if not spec.labels:
        return ModelSession(masks, spec, device)
    features = _open_part(features_file(model), spec, device, threads)
    _check(features, {SHARED_NAME: 5}, {FEATURES_NAME: 5})
    actions = _open_part(actions_file(model), spec, device, threads)
    of_frames = {FEATURES_NAME: 4, BOXES_NAME: 3}
    if FLOW_NAME in actions.takes:
        of_frames[FLOW_NAME] = 4
    _check(actions, of_frames, {ACTIONS_NAME: 3})
    return ActionModelSession(masks, features, actions, spec, device)


def _open_part(part: Path, spec: ModelSpec, device: Device, threads: int | None) -> Graph:
    graph = _open(part, device, threads)
    its_spec = ModelSpec.from_metadata(graph.metadata)
    if its_spec != spec:
        raise ModelError(
            f"{part.name} must be of the same export as the model, {spec.name} {spec.version}, "
            f"with the same metadata, got {its_spec.name} {its_spec.version}."
        )
    return graph


def _open(file: Path, device: Device, threads: int | None) -> Graph:
    if not file.is_file():
        raise ModelError(f"There is no model file {file}; `python -m export` writes one.")
    if device in ("cpu", "cuda"):
        return onnx_graph.open_graph(file, device, threads)
    try:
        # Here, since it takes a second, and isn't among the requirements for a GPU.
        from pipeline.network import openvino_graph  # noqa: PLC0415
    except ImportError as error:
        raise ProviderError(
            f"Device {device} was asked for, which needs OpenVINO, but that can't be imported: "
            f"{error}. Install the `cpu` requirements, or ask for cpu."
        ) from error
    return openvino_graph.open_graph(file, device, threads)


def _check(graph: Graph, takes: Mapping[str, int], gives: Mapping[str, int]) -> None:
    right = all(
        found.keys() == wanted.keys()
        and all(
            port.kind == ("uint8" if name in (INPUT_NAME, CUES_NAME) else "float32")
            and len(port.shape) == wanted[name]
            for name, port in found.items()
        )
        for found, wanted in ((graph.takes, takes), (graph.gives, gives))
    )
    if not right:
        raise ModelError(
            f"The model must take {_told(takes)} and give {_told(gives)}, clips and cues as uint8, "
            f"all else as float32, got {graph.takes} and {graph.gives}."
        )


def _told(wanted: Mapping[str, int]) -> str:
    return " and ".join(f"{name} of {axes} axes" for name, axes in wanted.items())
