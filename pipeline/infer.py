"""Running a model file on clips, through one protocol whatever the device."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError, ProviderError
from pipeline.spec import (
    ACTIONS_NAME,
    BOXES_NAME,
    FEATURES_NAME,
    INPUT_NAME,
    OUTPUT_NAME,
    SHARED_NAME,
    ModelSpec,
    actions_file,
    features_file,
)

# ONNX Runtime would make an identifier of this machine and report to its maker how it is used. It
# looks for this when it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime as ort

Device = Literal["cpu", "cuda"]

_CPU = "CPUExecutionProvider"
_CUDA = "CUDAExecutionProvider"


class Session(Protocol):
    """A loaded model.

    Attributes:
        spec: what the model file says of itself.
        device: `cpu` or `cuda`, as it was asked for.
        provider: the execution provider in use.
    """

    spec: ModelSpec
    device: str
    provider: str

    def run(self, clips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Find the foreground of clips (N, L, H, W, 3) uint8, RGB.

        Returns:
            (N, L, H, W) float32, the probability of foreground, 0 to 1.
        """
        ...


@runtime_checkable
class ActionSession(Session, Protocol):
    """A loaded model that names actions, too."""

    def describe(self, clips: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Find the foreground of clips as `run` does, and what their actions are named from.

        Returns:
            The probabilities, and features (N, L, C, h, w) float32.
        """
        ...

    def classify(
        self, features: NDArray[np.float32], boxes: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Name the actions in K boxes in each of F frames.

        Args:
            features: (F, C, h, w), of the frames.
            boxes: (F, K, 4) float32: left, top, right and bottom edge, from 0 to 1 over the picture
                that the network saw, with its padding.

        Returns:
            (F, K, labels) float32, log-probabilities.
        """
        ...


class OnnxSession:
    """A model file in ONNX Runtime; `load` makes one. As `Session`."""

    def __init__(self, session: ort.InferenceSession, spec: ModelSpec, device: Device) -> None:
        self._session = session
        self.spec = spec
        self.device: str = device
        self.provider: str = session.get_providers()[0]

    def run(self, clips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Find the foreground of clips, as `Session.run` says.

        Raises:
            ValueError: the clips aren't of the shape or type that the model takes.
        """
        probabilities: NDArray[np.float32] = self._run(clips, [OUTPUT_NAME])[0]
        return probabilities

    def _run(self, clips: NDArray[np.uint8], outputs: list[str]) -> list[NDArray[np.float32]]:
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
                f"Got clips {shape} {clips.dtype}, wanted (N, {self.spec.clip_length}, H, W, 3) "
                f"uint8 with H and W multiples of {multiple}."
            )
        found: list[NDArray[np.float32]] = self._session.run(outputs, {INPUT_NAME: clips})
        return found


class OnnxActionSession(OnnxSession):
    """The three files of a model that names actions; `load` makes one. As `ActionSession`."""

    def __init__(
        self,
        session: ort.InferenceSession,
        describer: ort.InferenceSession,
        classifier: ort.InferenceSession,
        spec: ModelSpec,
        device: Device,
    ) -> None:
        super().__init__(session, spec, device)
        self._describer = describer
        self._classifier = classifier

    def describe(self, clips: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Find the foreground and the features of clips, as `ActionSession.describe` says.

        Raises:
            ValueError: the clips aren't of the shape or type that the model takes.
        """
        probabilities, shared = self._run(clips, [OUTPUT_NAME, SHARED_NAME])
        features: NDArray[np.float32] = self._describer.run([FEATURES_NAME], {SHARED_NAME: shared})[
            0
        ]
        return probabilities, features

    def classify(
        self, features: NDArray[np.float32], boxes: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Name the actions in boxes, as `ActionSession.classify` says."""
        scores: NDArray[np.float32] = self._classifier.run(
            [ACTIONS_NAME], {FEATURES_NAME: features, BOXES_NAME: boxes}
        )[0]
        return scores


def load(model: Path, device: Device, threads: int | None = None) -> OnnxSession:
    """Load a model that `python -m export` wrote: an `OnnxActionSession` where it names actions.

    Args:
        model: the `.onnx` file; where it names actions, its further files lie beside it.
        device: where it shall run; nothing else will do.
        threads: that one inference uses on the CPU; None for one a core.

    Raises:
        ModelError: a file can't be read or isn't one of ours, or they aren't of one export.
        ProviderError: the device's execution provider isn't in this ONNX Runtime or doesn't start.
    """
    session, spec = _open(model, device, threads)
    outputs = {OUTPUT_NAME: 4, SHARED_NAME: 5} if spec.labels else {OUTPUT_NAME: 4}
    _check_graph(session, {INPUT_NAME: 5}, outputs)
    shape = session.get_inputs()[0].shape
    if (shape[1], shape[4]) != (spec.clip_length, 3):
        raise ModelError(
            f"The model takes clips {shape}, wanted (N, {spec.clip_length}, H, W, 3) as its "
            "metadata says."
        )
    if not spec.labels:
        return OnnxSession(session, spec, device)
    describer = _open_part(features_file(model), spec, device, threads)
    _check_graph(describer, {SHARED_NAME: 5}, {FEATURES_NAME: 5})
    classifier = _open_part(actions_file(model), spec, device, threads)
    _check_graph(classifier, {FEATURES_NAME: 4, BOXES_NAME: 3}, {ACTIONS_NAME: 3})
    return OnnxActionSession(session, describer, classifier, spec, device)


def _open_part(
    part: Path, spec: ModelSpec, device: Device, threads: int | None
) -> ort.InferenceSession:
    """Load a further file of a model, which has to be of the same export."""
    session, its_spec = _open(part, device, threads)
    if its_spec != spec:
        raise ModelError(
            f"Got {part.name} of {its_spec.name} {its_spec.version}, wanted it to be of the same "
            f"export as the model: {spec.name} {spec.version}, with the same metadata."
        )
    return session


def _open(
    model: Path, device: Device, threads: int | None
) -> tuple[ort.InferenceSession, ModelSpec]:
    """Load one file, on the device that was asked for or not at all."""
    if not model.is_file():
        raise ModelError(f"Got no model file at {model}, wanted one written by `python -m export`.")
    _require_provider(device)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or 0
    # Threads that spin while they wait gain nothing alone, and starve the decoder and other
    # processes: on a busy machine an inference took half as long without.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = ort.InferenceSession(str(model), options, providers=_providers(device))
    except Exception as error:  # ONNX Runtime's errors share no base but this
        raise ModelError(f"The model file {model.name} can't be loaded: {error}") from error
    # ONNX Runtime only warns when a provider fails to start, and goes on without it.
    session.disable_fallback()
    wanted, used = _provider(device), session.get_providers()[0]
    if used != wanted:
        raise ProviderError(
            f"Device {device} was asked for, which needs {wanted}, but {used} is in use: the "
            "provider failed to start. Check the NVIDIA driver, CUDA and cuDNN, or ask for cpu."
        )
    return session, ModelSpec.from_metadata(session.get_modelmeta().custom_metadata_map)


def _provider(device: Device) -> str:
    return _CUDA if device == "cuda" else _CPU


def _providers(device: Device) -> list[Any]:
    if device == "cpu":
        return [_CPU]
    # An exhaustive search runs anew for each picture size: 1.3 s on an H200, 0.2 s this way. And
    # TF32 would take 6.2 ms for a clip in place of 7.3, but move probabilities by up to 0.003.
    options = {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"}
    return [(_CUDA, options), _CPU]


def _require_provider(device: Device) -> None:
    wanted, available = _provider(device), ort.get_available_providers()
    if wanted not in available:
        raise ProviderError(
            f"Device {device} was asked for, which needs {wanted}, but the installed ONNX Runtime "
            f"{ort.__version__} has {', '.join(available)} only. Install the `gpu` requirements "
            "in place of the `cpu` ones, or ask for cpu."
        )
    if device == "cuda":
        ort.preload_dlls()  # finds CUDA and cuDNN where pip put them


def _check_graph(
    session: ort.InferenceSession, takes: Mapping[str, int], gives: Mapping[str, int]
) -> None:
    """Compare a graph's inputs and outputs with those wanted, {name: number of axes}."""
    inputs = {node.name: (node.type, node.shape) for node in session.get_inputs()}
    outputs = {node.name: (node.type, node.shape) for node in session.get_outputs()}
    right = all(
        found.keys() == wanted.keys()
        and all(
            kind == ("tensor(uint8)" if name == INPUT_NAME else "tensor(float)")
            and len(shape) == wanted[name]
            for name, (kind, shape) in found.items()
        )
        for found, wanted in ((inputs, takes), (outputs, gives))
    )
    if not right:
        raise ModelError(
            f"The model takes {inputs} and gives {outputs}, wanted to take {_told(takes)} and to "
            f"give {_told(gives)}, clips as uint8 and all else as float."
        )


def _told(wanted: Mapping[str, int]) -> str:
    return " and ".join(f"{name} of {axes} axes" for name, axes in wanted.items())
