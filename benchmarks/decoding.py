"""What a sandbox costs over decoding in-process: `python -m benchmarks.decoding VIDEO`."""

import argparse
import resource
import statistics
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.worker_process import LIMITS
from pipeline.decode import decode, scan
from pipeline.sandbox import Sandbox
from pipeline.values import Frame


def main() -> None:
    """Decode the first frames of a video both ways by turns; print the processor time of each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decoding", description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--frames", type=int, default=132, help="default: 132, a segment's")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    arguments = parser.parse_args()

    video = scan(arguments.video, LIMITS)
    indices = range(min(arguments.frames, video.info.frame_count))
    sandbox = Sandbox()
    sandbox.lacks()
    contestants: dict[str, Callable[[], Iterator[Frame]]] = {
        "in-process": lambda: decode(arguments.video, video, indices),
        "sandbox": lambda: sandbox.decode(arguments.video, video, indices),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    with closing(sandbox):
        for _ in range(arguments.rounds):
            for name, run in contestants.items():
                started = processor_s()
                for _frame in run():
                    pass
                seconds[name].append(processor_s() - started)

    info = video.info
    print(f"{arguments.video.name}: {info.width}x{info.height}, {len(indices)} frames", end=" ")
    print(f"a turn; median of {arguments.rounds} rounds")
    for name, times in seconds.items():
        print(f"{name:>11}: {statistics.median(times):.2f} s of processor time")


def processor_s() -> float:
    """Return the processor time of this process and of its children that have ended, seconds."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":
    main()
