"""What the benchmark found, and what it was run on."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from benchmarks.clients import Crowd
from benchmarks.contestants import Cost
from benchmarks.devices import OnDevice
from pipeline.network.graph import Device

LITSERVE = "LitServe"
BARE = "bare loop"
_PACKAGES = ("onnxruntime", "openvino", "litserve")


@dataclass(frozen=True)
class Run:
    """One run over a video, with the processor time of the stages beside the network if timed."""

    frames: int
    cost: Cost
    stage_s: Mapping[str, float] = field(default_factory=dict)

    @property
    def fps(self) -> float:
        return self.frames / self.cost.seconds


@dataclass(frozen=True)
class LongRun:
    """A job of one long video, with the peak memory of the process that runs the model."""

    run: Run
    peak_mib: float


@dataclass
class Results:
    """All that was measured.

    `runs` are by the video's size and what ran, times of a short clip by what ran, the rest by
    server: `start_s` until ready, `memory_mib` the peak of the process with the model. `long` is by
    minutes.
    """

    about: Mapping[str, str]
    devices: Mapping[Device, OnDevice] = field(default_factory=dict)
    runs: dict[str, dict[str, list[Run]]] = field(default_factory=dict)
    short_s: dict[str, list[float]] = field(default_factory=dict)
    start_s: dict[str, list[float]] = field(default_factory=dict)
    memory_mib: dict[str, list[float]] = field(default_factory=dict)
    crowds: dict[str, list[Crowd]] = field(default_factory=dict)
    long: dict[str, LongRun] = field(default_factory=dict)


def about(model_version: str) -> dict[str, str]:
    """Describe this machine and what is measured."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    flags = next((line for line in lines if line.startswith("flags")), "").split()
    wide = [name for name in ("amx_tile", "avx512_bf16", "avx512f", "avx2") if name in flags]
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return {
        "processor": f"{names[0] if names else 'unknown'} with {wide[0] if wide else 'no AVX2'}",
        "cores": str(len(os.sched_getaffinity(0))),
        "load before": f"{os.getloadavg()[0]:.1f}",
        "model": model_version,
        "revision": revision.stdout.strip() or "unknown",
    } | {package: version(package) for package in _PACKAGES}
