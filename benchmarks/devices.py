"""What a clip takes on each device, how far apart answers are: `python -m benchmarks.devices`."""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ProviderError
from pipeline.infer import Device, Session, load

DEVICES: tuple[Device, ...] = ("cpu", "cuda")
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
            print(f"{device:>5}: {refusal}")
    length = sessions["cpu"].spec.clip_length
    shape = (1, length, arguments.height, arguments.width, 3)
    clip = moving_square(shape)
    wanted = sessions["cpu"].run(clip)
    for device, session in sessions.items():
        found = session.run(clip)
        milliseconds = 1000 * time_one(session, clip, arguments.rounds)
        print(
            f"{device:>5}: {milliseconds:7.2f} ms a clip of {length} frames, probabilities at most "
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


def time_one(session: Session, clip: NDArray[np.uint8], rounds: int) -> float:
    """Return the median time of a run, seconds."""
    for _ in range(WARM_UP):
        session.run(clip)
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        session.run(clip)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


if __name__ == "__main__":
    main()
