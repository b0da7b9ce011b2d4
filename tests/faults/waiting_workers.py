"""A queue with worker processes that wait in place of inference, and clips for them."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import av
import numpy as np

from benchmarks.inputs import LIMITS
from jobs.engine import JobQueue
from jobs.stores import open_store
from jobs.values import Job, JobRequest
from pipeline.media.decode import scan
from tests.faults.waiting_worker import clips_of_segment

SEGMENT_FRAMES = 12
TIMEOUT_S = 600.0


class WaitingWorkers:
    """Workers on one queue, killed at the end, which wait `segment_s` or more over each segment."""

    def __init__(
        self, data_dir: Path, database_url: str, segment_s: float, store_url: str | None = None
    ) -> None:
        self.store = open_store(data_dir, store_url)
        self.queue = JobQueue(database_url, self.store, segment_frames=SEGMENT_FRAMES)
        self.workers: list[subprocess.Popen[bytes]] = []
        self.log = data_dir / "workers.log"
        wait_s = segment_s / clips_of_segment(SEGMENT_FRAMES)
        self._data_dir = data_dir
        self._store_url = store_url
        self._arguments = [database_url, str(wait_s), *([store_url] if store_url else [])]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            worker.kill()
            worker.wait()
        self.queue.close()

    def start_worker(self) -> "subprocess.Popen[bytes]":
        """Start one more worker."""
        own = self._data_dir / f"worker-{len(self.workers)}"
        folder = self._data_dir if self._store_url is None else own
        module = "tests.faults.waiting_worker"
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", module, str(folder), *self._arguments]
            worker = subprocess.Popen(command, stderr=log)
        self.workers.append(worker)
        return worker

    def wait_for_workers(self, count: int) -> None:
        """Wait until as many workers are alive."""
        wait_until(lambda: len(self.queue.workers()) == count, f"{count} workers")

    def submit(self, clip: Path) -> Job:
        """Queue a copy of a clip."""
        job_id = self.store.new_id()
        self.store.incoming(job_id).write_bytes(clip.read_bytes())
        return self.queue.submit(job_id, JobRequest(filename=clip.name), scan(clip, LIMITS))

    def wait_for(self, job: Job) -> Job:
        """Wait until a job is final, and return it."""
        wait_until(lambda: self.queue.get(job.id).state.final, f"the end of {job.id}")
        return self.queue.get(job.id)


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = TIMEOUT_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {timeout_s:g} s for {what}.")
        time.sleep(0.05)


def write_clip(path: Path, frames: int) -> None:
    """Write a clip of a bright square that moves over a dark ground, 32x32."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for index in range(frames):
            pixels = np.full((32, 32, 3), 20, np.uint8)
            pixels[10:20, index % 20 : index % 20 + 10] = 240
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
