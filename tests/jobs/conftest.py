"""A queue on an empty folder, clips to submit, and worker processes with a fake model."""

import json
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from jobs.database import embedded_url
from jobs.engine import JobQueue
from jobs.folder_store import FolderStore
from jobs.store import JobFile, JobStore
from jobs.stores import open_store
from jobs.values import Idempotency, Job, JobRequest
from pipeline.media.decode import scan
from pipeline.values import VideoLimits
from tests.jobs.forked import Forked
from tests.jobs.slow_worker import work
from tests.postgres import PostgresServer
from tests.s3_server import S3Server

LIMITS = VideoLimits(max_pixels=10**6, max_frames=10**4, max_duration_s=10**3)
SEGMENT_FRAMES = 12


def wait_for(condition: Callable[[], bool], what: str, timeout_s: float = 60.0) -> None:
    """Wait until a condition holds; a test fails that waits too long."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"Waited {timeout_s} s for {what}."
        time.sleep(0.02)


class Bench:
    """The queue of one test, and the workers that it started."""

    def __init__(self, data_dir: Path, database_url: str, store_url: str | None = None) -> None:
        self.data_dir = data_dir
        self.database_url = database_url
        self.store_url = store_url
        self.store = open_store(data_dir, store_url)
        self.queue = JobQueue(database_url, self.store, poll_s=0.02, segment_frames=SEGMENT_FRAMES)
        self._workers: list[Forked] = []

    def submit(
        self,
        clip: Path,
        tail: bytes = b"",
        idempotency: Idempotency | None = None,
        *,
        sha256: str | None = None,
        fresh: bool = False,
        request_id: str | None = None,
        **options: object,
    ) -> Job:
        """Submit a clip with something at its end that `scripted_decoder.py` reads."""
        job_id = self.store.new_id()
        self.store.incoming(job_id).write_bytes(clip.read_bytes() + tail)
        video = scan(self.store.incoming(job_id), LIMITS)
        request = JobRequest(filename="clip.mp4", **options)  # type: ignore[arg-type] # as given
        return self.queue.submit(
            job_id,
            request,
            video,
            idempotency,
            sha256=sha256,
            fresh=fresh,
            request_id=request_id,
        )

    def start_worker(self, *, data_dir: Path | None = None, **options: Any) -> Forked:
        """Start a worker, in a folder of its own if one is given; the options are of `work`."""
        data_dir = data_dir or self.data_dir
        data_dir.mkdir(exist_ok=True)
        run = partial(work, data_dir, self.database_url, self.store_url, **options)
        worker = Forked(run, log=data_dir / "worker.log")
        self._workers.append(worker)
        return worker

    def path(self, file: JobFile) -> Path:
        """Return where a file lies, without an object store."""
        return FolderStore(self.data_dir).path(file)

    def wait_until_final(self, job: Job) -> Job:
        wait_for(lambda: self.queue.get(job.id).state.final, f"the end of {job.id}")
        return self.queue.get(job.id)

    def lines_about(self, job: Job) -> list[dict[str, object]]:
        """Return what the log of the workers has about a job."""
        lines = map(json.loads, (self.data_dir / "worker.log").read_text().splitlines())
        return [line for line in lines if line.get("job") == job.id]

    def runs(self) -> int:
        """Return how many clips the fake models were given so far."""
        log = self.data_dir / "runs.log"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def close(self) -> None:
        for worker in self._workers:
            if worker.poll() is None:
                worker.kill()
            worker.wait()
        self.queue.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    with S3Server() as server:
        yield server


@pytest.fixture(params=["folder", "s3"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> JobStore:
    """An empty store of each kind that keeps the files of jobs."""
    if request.param == "folder":
        return open_store(tmp_path / "data")
    server: S3Server = request.getfixturevalue("s3")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return open_store(tmp_path / "data", server.new_url())


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind that the service may stand on."""
    if request.param == "sqlite":
        return embedded_url(tmp_path / "data")
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def bench(tmp_path: Path, database_url: str) -> Iterator[Bench]:
    bench = Bench(tmp_path / "data", database_url)
    yield bench
    bench.close()


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bright square that moves over a dark ground for 48 frames of 64x48 at 30000/1001."""
    path = tmp_path_factory.mktemp("clips") / "square.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(30000, 1001))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(48):
            pixels = np.full((48, 64, 3), 20, np.uint8)
            left = 40 - abs(index - 40)  # there and back
            pixels[10:30, left : left + 20] = 240
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
