"""What a clip takes on each device, how far apart answers are: `python -m benchmarks.devices`."""

import argparse
import statistics
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ProviderError
from pipeline.network.graph import DEVICES, Device
from pipeline.network.infer import Session, load
from pipeline.network.motion import MotionEstimator, to_cues
from pipeline.network.self_test import moving_square

WARM_UP = 3


def main() -> None:
    """Run the same clip on each device that is there; print times and the largest difference."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.devices", description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("weights/default.onnx"))
    parser.add_argument("--height", type=int, default=256, help="default: 256")
    parser.add_argument("--width", type=int, default=448, help="default: 448")
    parser.add_argument("--rounds", type=int, default=10, help="default: 10")
    arguments = parser.parse_args()
    sessions: dict[Device, Session] = {}
    for device in DEVICES:
        try:
            sessions[device] = load(arguments.model, device)
        except ProviderError as refusal:
            print(f"{device:>13}: {refusal}")
    length = sessions["cpu"].spec.clip_length
    clip = moving_square(length, arguments.height, arguments.width)
    started = time.perf_counter()
    motion = MotionEstimator().maps(list(clip[0]))
    print(f"{'motion':>13}: {1000 * (time.perf_counter() - started):7.2f} ms, beside each of these")
    cues = to_cues(motion) if sessions["cpu"].spec.cues else None
    wanted = sessions["cpu"].run(clip, cues)
    seconds = time_by_turns(sessions, clip, cues, arguments.rounds)
    for device, session in sessions.items():
        found = session.run(clip, cues)
        print(
            f"{device:>13}: {1000 * seconds[device]:7.2f} ms a clip of {length} frames, "
            f"{seconds[device] / seconds['cpu']:.2f} of the CPU's time, probabilities at most "
            f"{np.abs(found - wanted).max():.1e} from the CPU's, masks differ at "
            f"{np.mean((found > 0.5) != (wanted > 0.5)):.4%}"
        )


def time_by_turns(
    sessions: Mapping[Device, Session],
    clip: NDArray[np.uint8],
    cues: NDArray[np.uint8] | None,
    rounds: int,
) -> dict[Device, float]:
    """Return the median time of a run on each device, seconds; they take turns in each round."""
    times: dict[Device, list[float]] = {device: [] for device in sessions}
    for turn in range(WARM_UP + rounds):
        for device, session in sessions.items():
            started = time.perf_counter()
            session.run(clip, cues)
            if turn >= WARM_UP:
                times[device].append(time.perf_counter() - started)
    return {device: statistics.median(of_device) for device, of_device in times.items()}


if __name__ == "__main__":
    main()
