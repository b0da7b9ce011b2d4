"""What a clip takes on each device, and how far apart the devices' answers are."""

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.network.graph import Device
from pipeline.network.infer import Session
from pipeline.network.motion import MotionEstimator
from pipeline.network.self_test import moving_square

HEIGHT, WIDTH = 256, 448
_WARM_UP, _ROUNDS = 2, 5


@dataclass(frozen=True)
class OnDevice:
    """A clip's median time, and how far its probabilities and masks are from the first device's."""

    clip_ms: float
    difference: float
    changed: float


def on_each_device(sessions: Mapping[Device, Session]) -> dict[Device, OnDevice]:
    """Run the same clip on each device; they take turns in each round."""
    first = next(iter(sessions.values()))
    clip = moving_square(first.spec.clip_length, HEIGHT, WIDTH)
    cues = MotionEstimator().maps(list(clip[0]))[np.newaxis] if first.spec.cues else None
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
        )
        for device, its in found.items()
    }
