"""A real worker process with a queue of its own, for benchmarks of whole jobs."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jobs.database import embedded_url
from jobs.engine import JobQueue
from jobs.folder_store import FolderStore
from jobs.values import Job, JobRequest, JobState
from pipeline.media.decode import scan
from pipeline.values import VideoLimits

LIMITS = VideoLimits(max_pixels=2**26, max_frames=10**7, max_duration_s=10**6)
START_TIMEOUT_S = 60


@dataclass
class WorkerProcess:
    """A worker that runs beside this process.

    Attributes:
        process: where it runs.
    """

    queue: JobQueue
    process: "subprocess.Popen[bytes]"

    def peak_memory_mib(self) -> float:
        """Return the most memory that the process has held at once, as Linux counts it."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024


@contextmanager
def running_worker(data: Path, model: Path, device: str = "cpu") -> Iterator[WorkerProcess]:
    """Start a worker on an empty folder, wait until it is alive, and stop it at the end."""
    settings = {
        "ROTOGRAPH_DATA_DIR": str(data),
        "ROTOGRAPH_MODEL": str(model),
        "ROTOGRAPH_DEVICE": device,
    }
    queue = JobQueue(embedded_url(data), FolderStore(data))
    process = subprocess.Popen(
        [sys.executable, "-m", "service", "worker"], env=os.environ | settings
    )
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not queue.workers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("The worker didn't start; its log is above.")
            time.sleep(0.1)
        yield WorkerProcess(queue, process)
    finally:
        process.terminate()
        process.wait(timeout=60)
        queue.close()


def run_job(worker: WorkerProcess, video: Path, request: JobRequest) -> Job:
    """Submit a copy of the video and wait until its job has succeeded.

    Raises:
        RuntimeError: the job ended otherwise.
    """
    queue = worker.queue
    job_id = queue.store.new_id()
    shutil.copyfile(video, queue.store.incoming(job_id))
    job = queue.submit(job_id, request, scan(video, LIMITS))
    while not job.state.final:
        time.sleep(0.02)
        job = queue.get(job_id)
    if job.state is not JobState.SUCCEEDED:
        raise RuntimeError(f"The job {job.state}: {job.failure}")
    return job
