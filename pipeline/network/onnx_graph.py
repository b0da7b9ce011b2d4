"""A file of a model in ONNX Runtime, on a CPU or an NVIDIA GPU."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError, ProviderError
from pipeline.network.graph import Device, Port

# ONNX Runtime would make an identifier of this machine and report to its maker how it is used. It
# looks for this when it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime as ort

_CPU = "CPUExecutionProvider"
_CUDA = "CUDAExecutionProvider"
_KINDS = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}


class OnnxGraph:
    """A `Graph` in ONNX Runtime; `open_graph` makes one."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session
        self.provider: str = session.get_providers()[0]
        self.metadata: Mapping[str, str] = session.get_modelmeta().custom_metadata_map
        self.takes: Mapping[str, Port] = {node.name: _port(node) for node in session.get_inputs()}
        self.gives: Mapping[str, Port] = {node.name: _port(node) for node in session.get_outputs()}

    def run(
        self, given: Mapping[str, NDArray[np.generic]], outputs: Sequence[str]
    ) -> list[NDArray[np.float32]]:
        found: list[NDArray[np.float32]] = self._session.run(list(outputs), dict(given))
        return found


def open_graph(file: Path, device: Device, threads: int | None) -> OnnxGraph:
    """Load a file on `cpu` or `cuda`; ModelError for a bad file, ProviderError for the device."""
    _require_provider(device)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or 0
    # Threads that spin while they wait gain nothing alone, and starve the decoder and other
    # processes: on a busy machine an inference took half as long without.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = ort.InferenceSession(str(file), options, providers=_providers(device))
    except Exception as error:  # ONNX Runtime's errors share no base but this
        raise ModelError(f"The model file {file.name} can't be loaded: {error}") from error
    # ONNX Runtime only warns when a provider fails to start, and goes on without it.
    session.disable_fallback()
    wanted, used = _provider(device), session.get_providers()[0]
    if used != wanted:
        raise ProviderError(
            f"Device {device} was asked for, which needs {wanted}, but {used} is in use: the "
            "provider failed to start. Check the NVIDIA driver, CUDA and cuDNN, or ask for cpu."
        )
    return OnnxGraph(session)


def _port(node: ort.NodeArg) -> Port:
    return Port(_KINDS.get(node.type, node.type), tuple(node.shape))


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
