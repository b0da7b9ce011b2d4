"""Running a model file on clips, through one protocol whatever the device."""

from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from pipeline.errors import ModelError, ProviderError
from pipeline.spec import INPUT_NAME, OUTPUT_NAME, ModelSpec

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
        probabilities: NDArray[np.float32] = self._session.run([OUTPUT_NAME], {INPUT_NAME: clips})[
            0
        ]
        return probabilities


def load(model: Path, device: Device, threads: int | None = None) -> OnnxSession:
    """Load a model file that `python -m export` wrote.

    Args:
        model: the `.onnx` file.
        device: where it shall run; nothing else will do.
        threads: that one inference uses on the CPU; None for one a core.

    Raises:
        ModelError: the file can't be read or isn't one of ours.
        ProviderError: the device's execution provider isn't in this ONNX Runtime or doesn't start.
    """
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
    spec = ModelSpec.from_metadata(session.get_modelmeta().custom_metadata_map)
    _check_graph(session, spec)
    return OnnxSession(session, spec, device)


def _provider(device: Device) -> str:
    return _CUDA if device == "cuda" else _CPU


def _providers(device: Device) -> list[Any]:
    if device == "cpu":
        return [_CPU]
    # An exhaustive search would run anew for each picture size. Not run on a GPU yet.
    return [(_CUDA, {"cudnn_conv_algo_search": "HEURISTIC"}), _CPU]


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


def _check_graph(session: ort.InferenceSession, spec: ModelSpec) -> None:
    inputs = [(node.name, node.type, node.shape) for node in session.get_inputs()]
    outputs = [(node.name, node.type, node.shape) for node in session.get_outputs()]
    takes = (
        len(inputs) == 1
        and inputs[0][:2] == (INPUT_NAME, "tensor(uint8)")
        and len(inputs[0][2]) == 5
        and (inputs[0][2][1], inputs[0][2][4]) == (spec.clip_length, 3)
    )
    gives = (
        len(outputs) == 1
        and outputs[0][:2] == (OUTPUT_NAME, "tensor(float)")
        and len(outputs[0][2]) == 4
    )
    if not takes or not gives:
        raise ModelError(
            f"The model takes {inputs} and gives {outputs}, wanted {INPUT_NAME} uint8 "
            f"(N, {spec.clip_length}, H, W, 3) and {OUTPUT_NAME} float (N, T, H, W)."
        )
