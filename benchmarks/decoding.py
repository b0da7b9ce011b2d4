"""What listing a video costs, and decoding it apart: `python -m benchmarks.decoding VIDEO`."""

import argparse
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.inputs import LIMITS
from pipeline.media.decode import decode, scan
from pipeline.media.sandbox import Sandbox
from pipeline.media.scan_file import load_scan, save_scan
from pipeline.network.preprocess import fit
from pipeline.network.spec import ModelSpec
from pipeline.segmenter import decode_scaled

WAYS = ("in-process", "in-process, scaled", "sandbox", "sandbox, scaled")
SPEC = ModelSpec(
    name="",
    version="",
    clip_length=8,
    short_side=256,
    long_side=512,
    multiple=32,
    licence="",
    data="",
    measured={},
    git_revision="",
)


@dataclass(frozen=True)
class Cost:
    """What decoding took; `decoder_mib` is the peak memory of the largest child process."""

    processor_s: float
    own_mib: float
    decoder_mib: float


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decoding", description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--frames", type=int, default=132, help="of a segment; default: 132")
    parser.add_argument("--segments", type=int, default=5, help="by one sandbox; default: 5")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    arguments = parser.parse_args()

    started_s, started_cpu_s = time.perf_counter(), _processor_s()
    video = scan(arguments.video, LIMITS)
    print(f"listed in {time.perf_counter() - started_s:.1f} s,", end=" ")
    print(f"{_processor_s() - started_cpu_s:.1f} s of processor time,", end=" ")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    info = video.info
    frames = min(arguments.frames, info.frame_count)
    print(f"{arguments.video.name}: {info.width}x{info.height}, {frames} of", end=" ")
    print(f"{info.frame_count} frames, median of {arguments.rounds} rounds")
    parts = {"first": range(frames), "last": range(info.frame_count - frames, info.frame_count)}
    with tempfile.TemporaryDirectory() as folder:
        save_scan(video, Path(folder) / "scan")
        asked = (arguments.video, Path(folder) / "scan", arguments.segments)
        costs: dict[tuple[str, str], list[Cost]] = {(p, w): [] for p in parts for w in WAYS}
        for _ in range(arguments.rounds):
            for (part, way), found in costs.items():
                found.append(in_a_process_of_its_own(*asked, parts[part], way))
    for (part, way), found in costs.items():
        processor_s, own_mib, decoder_mib = (
            statistics.median(getattr(cost, name) for cost in found)
            for name in ("processor_s", "own_mib", "decoder_mib")
        )
        print(f"{part:>5} frames, {way:<18}: {processor_s:.2f} s of processor time,", end=" ")
        inside = f" and {decoder_mib:.0f} MiB in the sandbox" if "sandbox" in way else ""
        print(f"peak memory {own_mib:.0f} MiB{inside}")


def in_a_process_of_its_own(
    path: Path, scan_path: Path, segments: int, indices: range, way: str
) -> Cost:
    """Measure where nothing else was done before, so that peaks are of this alone."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as process:
        return process.submit(measure, path, scan_path, segments, indices, way).result()


def measure(path: Path, scan_path: Path, segments: int, indices: range, way: str) -> Cost:
    """Decode a segment some times over, as a worker does several of a video."""
    video = load_scan(scan_path)
    fits = [fit(video.info.height, video.info.width, SPEC, video.info.pixel_aspect)]
    sandbox = Sandbox()
    ways: Mapping[str, Callable[[], Iterator[object]]] = {
        "in-process": lambda: decode(path, video, indices),
        "in-process, scaled": lambda: decode_scaled(path, video, indices, fits),
        "sandbox": lambda: sandbox.decode(path, video, indices),
        "sandbox, scaled": lambda: sandbox.decode_scaled(path, video, indices, fits),
    }
    started_s = _processor_s()
    with closing(sandbox):
        for _ in range(segments):
            for _frame in ways[way]():
                pass
    return Cost(
        (_processor_s() - started_s) / segments,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
    )


def _processor_s() -> float:
    """Return the processor time of this process and of its children that have ended, seconds."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":
    main()
