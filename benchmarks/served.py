"""Servers under measurement: this service and the LitServe app, started, posted to, weighed."""

import base64
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from benchmarks.latency import free_port

START_TIMEOUT_S = 120
Post = Callable[[httpx.Client, Path], None]
"""Posts a video and waits for its whole result."""


@dataclass(frozen=True)
class Served:
    """A server that took `start_s` to answer; `process` is the parent of all of its processes."""

    url: str
    process: psutil.Process
    start_s: float

    def cpu_s(self) -> float:
        """Return the processor time of all its processes so far, those that ended too."""
        times = [each.cpu_times() for each in self._processes()]
        return float(sum(t.user + t.system + t.children_user + t.children_system for t in times))

    def peak_memory_mib(self) -> float:
        """Return the peak memory of its largest process, which is the one that runs the model."""
        peaks = []
        for each in self._processes():
            status = Path(f"/proc/{each.pid}/status").read_text()
            lines = [line for line in status.splitlines() if line.startswith("VmHWM:")]
            peaks += [int(line.split()[1]) / 1024 for line in lines]
        return max(peaks)

    def _processes(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


@contextmanager
def our_service(model: Path, device: str) -> Iterator[Served]:
    """Run the whole service on an empty folder."""
    with tempfile.TemporaryDirectory() as data:
        settings = {
            "ROTOGRAPH_DATA_DIR": data,
            "ROTOGRAPH_MODEL": str(model),
            "ROTOGRAPH_DEVICE": device,
            "ROTOGRAPH_MAX_WAIT_S": "3600",
            "ROTOGRAPH_PORT": str(port := free_port()),
        }
        command = [sys.executable, "-m", "service"]
        with _running(command, settings, f"http://127.0.0.1:{port}", "/readyz") as served:
            yield served


@contextmanager
def litserve(model: Path) -> Iterator[Served]:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.litserve_app", str(port), str(model)]
    with _running(command, {}, f"http://127.0.0.1:{port}", "/health") as served:
        yield served


def post_job(**options: str) -> Post:
    """Return how a job of these options is posted to our service."""

    def post(client: httpx.Client, video: Path) -> None:
        with video.open("rb") as file:
            answer = client.post(
                "/segment",
                files={"file": (video.name, file)},
                data=options,
                # The same video is posted again and again: work is wanted, not the cached result.
                headers={"Prefer": "wait=3600", "Cache-Control": "no-cache"},
            )
        if answer.status_code != httpx.codes.OK or not answer.json()["frames"]:
            raise RuntimeError(f"The job gave {answer.status_code}: {answer.text[:300]}")

    return post


def post_to_litserve(client: httpx.Client, video: Path) -> None:
    content = base64.b64encode(video.read_bytes()).decode()
    answer = client.post("/predict", json={"video": content})
    if answer.status_code != httpx.codes.OK or not answer.json()["frames"]:
        raise RuntimeError(f"LitServe gave {answer.status_code}: {answer.text[:300]}")


@contextmanager
def _running(
    command: list[str], settings: Mapping[str, str], url: str, ready: str
) -> Iterator[Served]:
    started = time.perf_counter()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env=os.environ | settings, stdout=log, stderr=log)
        try:
            with httpx.Client(base_url=url, timeout=60) as client:
                while not _answers(client, ready):
                    late = time.perf_counter() - started > START_TIMEOUT_S
                    if late or process.poll() is not None:
                        log.seek(0)
                        raise RuntimeError(f"{command} didn't start: {log.read()[-3000:].decode()}")
                    time.sleep(0.05)
            start_s = time.perf_counter() - started
            yield Served(url, psutil.Process(process.pid), start_s)
        finally:
            children = psutil.Process(process.pid).children(recursive=True)
            process.terminate()
            process.wait(timeout=60)
            for child in children:  # LitServe leaves some behind, with the model
                with suppress(psutil.NoSuchProcess):
                    child.kill()


def _answers(client: httpx.Client, ready: str) -> bool:
    with suppress(httpx.TransportError):
        return client.get(ready).is_success
    return False
