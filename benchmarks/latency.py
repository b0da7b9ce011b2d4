"""How long a frame takes from its masks to the client: `python -m benchmarks.latency VIDEO`."""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
from prometheus_client import Counter

from jobs.metrics import WorkerMetrics
from jobs.worker import WorkerSettings, run_worker

START_TIMEOUT_S = 60
COMPUTED = "computed"


def main() -> None:
    """Post a video, follow its lines and events, and print how late they are."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--model", type=Path, default=Path("weights/default.onnx"))
    parser.add_argument("--quality", choices=("fast", "best"), default="fast")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)  # the data of the service
    arguments = parser.parse_args()
    if arguments.worker is not None:
        run_stamping_worker(arguments.worker, arguments.model)
        return
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        data = Path(folder)
        client = stack.enter_context(serving(data, arguments.model))
        location = post(client, arguments.video, arguments.quality)
        lines, events = follow(client, location)
        computed = [float(line) for line in (data / COMPUTED).read_text().split()]
        print(f"{arguments.video.name}, quality={arguments.quality}: {len(computed)} frames")
        for name, received in (("line", lines), ("event", events)):
            late = [there - since for since, there in zip(computed, received, strict=True)]
            p95 = statistics.quantiles(late, n=20)[-1]
            print(
                f"from computed to {name} received: median {statistics.median(late):.2f} s, "
                f"p95 {p95:.2f} s, at most {max(late):.2f} s"
            )


class StampedCounter(Counter):
    """Counts frames, and notes when each was counted, which is when its masks are there."""

    path: Path

    def inc(self, amount: float = 1, exemplar: dict[str, str] | None = None) -> None:
        super().inc(amount, exemplar)
        with self.path.open("a") as file:
            file.write(f"{time.monotonic()}\n")


def run_stamping_worker(data: Path, model: Path) -> None:
    """Run a worker that notes when it has computed each frame."""
    metrics = WorkerMetrics()
    metrics.frames = StampedCounter("computed_frames", "Frames.", registry=metrics.registry)
    metrics.frames.path = data / COMPUTED
    run_worker(WorkerSettings(data_dir=data, model=model), metrics=metrics)


@contextmanager
def serving(data: Path, model: Path) -> Iterator[httpx.Client]:
    """Run the API and one such worker, each in a process of its own."""
    port = free_port()
    settings = {"ROTOGRAPH_DATA_DIR": str(data), "ROTOGRAPH_PORT": str(port)}
    worker = ["benchmarks.latency", "-", "--model", str(model), "--worker", str(data)]
    processes = [
        subprocess.Popen([sys.executable, "-m", *command], env=os.environ | settings)
        for command in (["service", "api"], worker)
    ]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=600) as client:
            deadline = time.monotonic() + START_TIMEOUT_S
            while not is_ready(client):
                if time.monotonic() > deadline:
                    raise RuntimeError("The service didn't start; its log is above.")
                time.sleep(0.1)
            yield client
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_ready(client: httpx.Client) -> bool:
    with suppress(httpx.TransportError):
        return client.get("/readyz").is_success
    return False


def post(client: httpx.Client, video: Path, quality: str) -> str:
    """Post a video and return the address of its job."""
    with video.open("rb") as file:
        answer = client.post(
            "/segment",
            files={"file": (video.name, file)},
            data={"quality": quality},
            headers={"Prefer": "respond-async"},
        )
    answer.raise_for_status()
    return answer.headers["Location"]


def follow(client: httpx.Client, location: str) -> tuple[Sequence[float], Sequence[float]]:
    """Return when each frame's line came, and when the event that tells of it did."""
    lines: list[float] = []
    events: list[float] = []

    def read_lines() -> None:
        with client.stream("GET", f"{location}/result?format=ndjson") as answer:
            lines.extend(time.monotonic() for _ in answer.iter_lines())

    reader = threading.Thread(target=read_lines)
    reader.start()
    with client.stream("GET", f"{location}/events") as answer:
        for line in answer.iter_lines():
            if line.startswith("data:") and "stop" in (data := json.loads(line[5:])):
                events.extend([time.monotonic()] * (data["stop"] - data["start"]))
    reader.join()
    return lines, events


if __name__ == "__main__":
    main()
