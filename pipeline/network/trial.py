"""Which device runs a model fastest on this machine: tried, since processors differ."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.network.graph import Device
from pipeline.network.infer import Session, load
from pipeline.network.self_test import compare, small_clip

CPU_DEVICES: tuple[Device, ...] = ("cpu", "openvino", "openvino-bf16")
_ROUNDS = 5


@dataclass(frozen=True)
class Trial:
    """The fastest device of those that find what the CPU does, and why others were refused."""

    device: Device
    clip_ms: Mapping[Device, float] = field(default_factory=dict)
    refused: Mapping[Device, str] = field(default_factory=dict)


def try_devices(model: Path, threads: int | None = None) -> Trial:
    """Choose CUDA if it is there and works, else the CPU's fastest runtime; or raise ModelError."""
    on_cpu = load(model, "cpu", threads)
    sessions: dict[Device, Session] = {"cpu": on_cpu}
    refused: dict[Device, str] = {}
    for device in ("cuda", *CPU_DEVICES[1:]):
        try:
            session = load(model, device, threads)
            compare(session, on_cpu)
        except Exception as refusal:  # drivers fail in many ways, and the file itself is right
            refused[device] = str(refusal)
            continue
        if device == "cuda":
            return Trial(device)
        sessions[device] = session
    clip_ms = _time_by_turns(sessions)
    return Trial(min(clip_ms, key=lambda device: clip_ms[device]), clip_ms, refused)


def _time_by_turns(sessions: Mapping[Device, Session]) -> dict[Device, float]:
    clip_ms: dict[Device, float] = {}
    clip, cues = small_clip(sessions["cpu"].spec)
    for _ in range(_ROUNDS):
        for device, session in sessions.items():
            started = time.perf_counter()
            session.run(clip, cues)
            taken_ms = round(1000 * (time.perf_counter() - started), 1)
            clip_ms[device] = min(taken_ms, clip_ms.get(device, taken_ms))
    return clip_ms
