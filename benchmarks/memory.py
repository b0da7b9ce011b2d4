"""Whether memory grows with the video: `python -m benchmarks.memory VIDEO --minutes 1 10`."""

import argparse
import itertools
import tempfile
from fractions import Fraction
from pathlib import Path

import av
from tqdm import tqdm

from benchmarks.worker_process import run_job, running_worker
from jobs.values import JobRequest

FPS = 25
WIDTH, HEIGHT = 640, 360


def main() -> None:
    """Run a short and a long video, each in a fresh worker, and compare their peaks."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("video", type=Path, help="played over and over at 640x360")
    parser.add_argument("--minutes", type=float, nargs=2, default=(1, 10), metavar="M")
    parser.add_argument("--model", type=Path, default=Path("weights/default.onnx"))
    arguments = parser.parse_args()

    peaks = []
    for minutes in arguments.minutes:
        with tempfile.TemporaryDirectory() as folder:
            long_video = Path(folder) / "long.mp4"
            write_long_video(arguments.video, long_video, round(minutes * 60 * FPS))
            data = Path(folder) / "data"
            with running_worker(data, arguments.model) as worker:
                job = run_job(worker, long_video, JobRequest(filename=long_video.name))
                peaks.append(worker.peak_memory_mib())
            assert job.started_at is not None
            assert job.finished_at is not None
            seconds = (job.finished_at - job.started_at).total_seconds()
        print(f"{minutes:g} min: {job.frames_total} frames of {WIDTH}x{HEIGHT}", end=" ")
        print(f"in {seconds:.0f} s, peak memory of the worker {peaks[-1]:.0f} MiB", flush=True)
    print(f"ratio {peaks[1] / peaks[0]:.3f}")


def write_long_video(source: Path, to: Path, frame_count: int) -> None:
    """Write `frame_count` frames of H.264 that play the source over and over."""
    with av.open(str(source)) as container:
        pictures = [
            frame.reformat(WIDTH, HEIGHT, format="yuv420p") for frame in container.decode(video=0)
        ]
    with av.open(str(to), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        endless = itertools.cycle(pictures)
        for index in tqdm(range(frame_count), "writing the video", unit="frame"):
            picture = next(endless)
            picture.pts, picture.time_base = index, Fraction(1, FPS)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


if __name__ == "__main__":
    main()
