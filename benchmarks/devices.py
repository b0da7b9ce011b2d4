"""What a clip takes on each device, and how far apart the devices' answers are."""

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import matrix_product, operations
from pipeline.network.graph import Device
from pipeline.network.infer import Session
from pipeline.network.spec import CUES_NAME, INPUT_NAME

_WARM_UP, _ROUNDS = 2, 5


@dataclass(frozen=True)
class OnDevice:
    """A clip's median time, and how far its probabilities and masks are from the first device's.

    `peak` is the speed of a matrix product there, in GFLOP/s as `gflops` that of the clip.
    """

    clip_ms: float
    difference: float
    changed: float
    gflops: float
    peak: float | None


def on_each_device(model: Path, sessions: Mapping[Device, Session]) -> dict[Device, OnDevice]:
    """Run the same clip on each device; they take turns in each round."""
    first = next(iter(sessions.values()))
    given = operations.inputs_of(first.spec)
    clip, cues = given[INPUT_NAME], given.get(CUES_NAME)
    gflop = sum(map(operations.gflop, operations.profiled(model, 0, 1)))
    times: dict[Device, list[float]] = {device: [] for device in sessions}
    for turn in range(_WARM_UP + _ROUNDS):
        for device, session in sessions.items():
            started = time.perf_counter()
            session.run(clip, cues)
            if turn >= _WARM_UP:
                times[device].append(1000 * (time.perf_counter() - started))
    wanted = first.run(clip, cues)
    found = {device: session.run(clip, cues) for device, session in sessions.items()}
    return {
        device: OnDevice(
            statistics.median(times[device]),
            float(np.abs(its - wanted).max()),
            float(np.mean((its > 0.5) != (wanted > 0.5))),
            1000 * gflop / statistics.median(times[device]),
            matrix_product.gflops(device),
        )
        for device, its in found.items()
    }
