"""What a clip takes on each device, how far apart answers are: `python -m benchmarks.devices`."""

import argparse
import statistics
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ProviderError
from pipeline.graph import DEVICES, Device
from pipeline.infer import Session, load

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
    shape = (1, length, arguments.height, arguments.width, 3)
    clip = moving_square(shape)
    wanted = sessions["cpu"].run(clip)
    seconds = time_by_turns(sessions, clip, arguments.rounds)
    for device, session in sessions.items():
        found = session.run(clip)
        print(
            f"{device:>13}: {1000 * seconds[device]:7.2f} ms a clip of {length} frames, "
            f"{seconds[device] / seconds['cpu']:.2f} of the CPU's time, probabilities at most "
            f"{np.abs(found - wanted).max():.1e} from the CPU's, masks differ at "
            f"{np.mean((found > 0.5) != (wanted > 0.5)):.4%}"
        )


def moving_square(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Draw a bright square that crosses noise: (1, L, H, W, 3) uint8."""
    clip = np.random.default_rng(0).integers(60, 120, shape, np.uint8)
    for frame, pixels in enumerate(clip[0]):
        left = 40 + 12 * frame
        pixels[60:160, left : left + 90] = (230, 190, 40)
    return clip


def time_by_turns(
    sessions: Mapping[Device, Session], clip: NDArray[np.uint8], rounds: int
) -> dict[Device, float]:
    """Return the median time of a run on each device, seconds; they take turns in each round."""
    times: dict[Device, list[float]] = {device: [] for device in sessions}
    for turn in range(WARM_UP + rounds):
        for device, session in sessions.items():
            started = time.perf_counter()
            session.run(clip)
            if turn >= WARM_UP:
                times[device].append(time.perf_counter() - started)
    return {device: statistics.median(of_device) for device, of_device in times.items()}


if __name__ == "__main__":
    main()
