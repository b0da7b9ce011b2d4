"""A file of a model in OpenVINO, on a CPU, in float32 or in bfloat16."""

import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError, ProviderError
from pipeline.network.graph import Device, Port

# OpenVINO would make an identifier of this machine and report to its maker whenever it is imported.
# It does without where this package isn't installed, which None stands for.
sys.modules.setdefault("openvino_telemetry", cast(ModuleType, None))

import openvino  # noqa: E402 - not before that

_Found = TypeVar("_Found")
_KINDS = {"u8": "uint8", "f32": "float32"}


class OpenVinoGraph:
    """A `Graph` in OpenVINO; `open_graph` makes one."""

    def __init__(self, compiled: openvino.CompiledModel, metadata: Mapping[str, str]) -> None:
        # Each request keeps memory for a whole inference, so there is one, used by one at a time.
        self._request = compiled.create_infer_request()
        self._lock = Lock()
        precision = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        self.provider = f"OpenVINO CPU {precision}"
        self.metadata = metadata
        self.takes: Mapping[str, Port] = {port.any_name: _port(port) for port in compiled.inputs}
        self.gives: Mapping[str, Port] = {port.any_name: _port(port) for port in compiled.outputs}

    def run(
        self, given: Mapping[str, NDArray[np.generic]], outputs: Sequence[str]
    ) -> list[NDArray[np.float32]]:
        with self._lock:
            found = self._request.infer(dict(given), share_inputs=True)
        return [found[name] for name in outputs]


def open_graph(file: Path, device: Device, threads: int | None) -> OpenVinoGraph:
    """Load a file in the device's precision; ModelError if bad, ProviderError without bfloat16."""
    if device == "openvino-bf16" and not computes_bfloat16():
        raise ProviderError(
            f"Device {device} was asked for, which needs a processor that computes in bfloat16 "
            "(AVX-512 BF16 or AMX), but this one doesn't. Ask for openvino."
        )
    # Pinned threads of two workers would share some cores, and leave others idle.
    options: dict[str, object] = {
        "INFERENCE_PRECISION_HINT": "bf16" if device == "openvino-bf16" else "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "ENABLE_CPU_PINNING": False,
    }
    if threads is not None:
        options["INFERENCE_NUM_THREADS"] = threads
    try:
        return _apart(lambda: _open(file, options))
    except RuntimeError as error:
        raise ModelError(f"The model file {file.name} can't be loaded: {error}") from error


def computes_bfloat16() -> bool:
    """Whether this processor has instructions for bfloat16, so that it is faster than float32."""
    return _apart(
        lambda: "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    )


def _open(file: Path, options: Mapping[str, object]) -> OpenVinoGraph:
    core = openvino.Core()
    model = core.read_model(file)
    return OpenVinoGraph(core.compile_model(model, "CPU", options), _metadata(model))


def _apart(work: Callable[[], _Found]) -> _Found:
    """Do something in a thread of its own.

    OpenVINO 2026.4 gives the thread that asks for a model a stack for its signals, frees it and
    leaves it set: the next signal would end the process (on Intel's processors with AMX).
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()


def _port(port: openvino.ConstOutput) -> Port:
    kind = port.element_type.get_type_name()
    shape = tuple("?" if axis.is_dynamic else axis.get_length() for axis in port.partial_shape)
    return Port(_KINDS.get(kind, kind), shape)


def _metadata(model: openvino.Model) -> dict[str, str]:
    if not model.has_rt_info("framework"):
        return {}
    metadata: dict[str, str] = model.get_rt_info("framework").value
    return metadata
