"""How much of the bare model's speed a whole job keeps: `python -m benchmarks.throughput VIDEO`."""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.worker_process import LIMITS, run_job, running_worker
from jobs.segments import segment_count, segment_range
from jobs.values import JobRequest
from pipeline.media.decode import decode, scan
from pipeline.network.clips import clips_of
from pipeline.network.graph import DEVICES
from pipeline.network.infer import Session, load
from pipeline.network.preprocess import fit, to_network
from pipeline.network.smooth import with_neighbours
from pipeline.segmenter import Segmenter
from pipeline.values import ScannedVideo

SEGMENT_FRAMES = 120


def main() -> None:
    """Time the bare model, the pipeline and whole jobs by turns; print the ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput", description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--model", type=Path, default=Path("weights/default.onnx"))
    parser.add_argument("--device", choices=DEVICES, default="cpu", help="default: cpu")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    arguments = parser.parse_args()

    video = scan(arguments.video, LIMITS)
    frame_count = video.info.frame_count
    session = load(arguments.model, arguments.device)
    segmenter = Segmenter(session)
    frames = network_frames(arguments.video, video, session)
    segments = segment_count(frame_count, SEGMENT_FRAMES)
    parts = [segment_range(segment, segments, frame_count) for segment in range(segments)]
    length, stride = session.spec.clip_length, segmenter.stride
    starts = [
        start
        for part in parts
        for start in clips_of(with_neighbours(part, frame_count), frame_count, length, stride)
    ]
    with (
        tempfile.TemporaryDirectory() as data,
        running_worker(Path(data), arguments.model, arguments.device) as worker,
    ):
        # The bare loop finds masks only.
        masks = JobRequest(filename=arguments.video.name, actions=False)
        contestants: dict[str, Callable[[], object]] = {
            "bare session.run": lambda: run_bare(session, frames, starts),
            "pipeline": lambda: run_pipeline(segmenter, arguments.video, video, parts),
            "whole job": lambda: run_job(worker, arguments.video, masks),
            "naming actions": lambda: run_job(
                worker, arguments.video, replace(masks, actions=True)
            ),
        }
        seconds: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(arguments.rounds):
            for name, run in contestants.items():
                started = time.perf_counter()
                run()
                seconds[name].append(time.perf_counter() - started)

    info = video.info
    print(f"{arguments.video.name}: {info.width}x{info.height}, {frame_count} frames,", end=" ")
    print(f"{len(starts)} windows; median of {arguments.rounds} rounds")
    bare = statistics.median(seconds["bare session.run"])
    for name, times in seconds.items():
        median = statistics.median(times)
        print(f"{name:>17}: {frame_count / median:6.1f} frames/s, {bare / median:6.1%} of bare")


def network_frames(path: Path, video: ScannedVideo, session: Session) -> NDArray[np.uint8]:
    """Decode and scale the whole video (T, H, W, 3) ahead of the clock."""
    info = video.info
    size = fit(info.height, info.width, session.spec)
    indices = range(info.frame_count)
    return np.stack([to_network(frame.pixels, size) for frame in decode(path, video, indices)])


def run_bare(session: Session, frames: NDArray[np.uint8], starts: list[int]) -> None:
    """Run the model over the same windows and do nothing else."""
    positions = np.arange(session.spec.clip_length)
    for start in starts:
        session.run(frames[np.minimum(start + positions, len(frames) - 1)][np.newaxis])


def run_pipeline(
    segmenter: Segmenter, path: Path, video: ScannedVideo, parts: Sequence[range]
) -> None:
    """Run the pipeline over the segments of the video, in this process."""
    for part in parts:
        for _ in segmenter.segment(path, video, part):
            pass


if __name__ == "__main__":
    main()
