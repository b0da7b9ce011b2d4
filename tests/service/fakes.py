"""A queue of jobs in memory, for tests of the HTTP edge."""

import errno
import os
import secrets
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from jobs.errors import (
    BadCursor,
    IdempotencyConflict,
    JobHasNoResult,
    JobNotFinished,
    JobNotFound,
    KeyUnknown,
    StoreAway,
)
from jobs.store import JobFile
from jobs.values import Idempotency, Job, JobFailure, JobRequest, JobState, Key, Load, Worker
from pipeline.errors import BrokenVideo
from pipeline.media.decode import select
from pipeline.values import ScannedVideo
from service import schemas
from tests import tiny_model

WORKER = Worker(
    id="host-1",
    device="cpu",
    provider="CPUExecutionProvider",
    model="small",
    model_version="1",
    runtime="r",
    card=asdict(replace(tiny_model.SPEC, labels=("none", "run"))),
)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def line(index: int) -> str:
    mask = '{"size":[48,64],"counts":"b14\\\\1000ni2"}'
    return (
        f'{{"index":{index},"time_s":{index / 25:g},"objects":[{{"track":1,"score":0.9,'
        f'"box":[1,2,3,4],"area":12,"segmentation":{mask}}}]}}\n'
    )


@dataclass
class FakeQueue:
    """Keeps jobs in a list; a test moves them on with `change`.

    Attributes:
        outcome: the state that a job has as soon as it is submitted.
        failure: of jobs that are to fail.
        alive: the live workers.
        broken: whether every look at the workers, or at several jobs, raises.
        sent: fingerprint and job of each idempotency key.
        hashes: of the uploads, and whether they are to be worked on afresh.
        track: id of the one track that results have.
        looks: the ids of each look at several jobs.
    """

    outcome: JobState = JobState.SUCCEEDED
    failure: JobFailure | None = None
    alive: list[Worker] = field(default_factory=lambda: [WORKER])
    broken: bool = False
    track: int = 1
    jobs: dict[str, Job] = field(default_factory=dict)
    sent: dict[str, tuple[str, str]] = field(default_factory=dict)
    hashes: list[tuple[str | None, bool]] = field(default_factory=list)
    looks: list[list[str]] = field(default_factory=list)

    def reset(self) -> None:
        """Be as new."""
        vars(self).update(vars(FakeQueue()))

    def owned_by(self, owner: Key) -> "FakeQueue":
        raise NotImplementedError(f"The fake has no keys: {owner}.")

    def check_room(self) -> None:
        pass

    def repeated(self, idempotency: Idempotency) -> Job | None:
        if idempotency.key not in self.sent:
            return None
        fingerprint, job_id = self.sent[idempotency.key]
        if fingerprint != idempotency.fingerprint:
            raise IdempotencyConflict(f"The Idempotency-Key {idempotency.key!r} came once more.")
        return self.jobs[job_id]

    def submit(
        self,
        job_id: str,
        request: JobRequest,
        video: ScannedVideo,
        idempotency: Idempotency | None = None,
        *,
        sha256: str | None = None,
        fresh: bool = False,
        request_id: str | None = None,  # noqa: ARG002 - the fake has no worker to tell
    ) -> Job:
        self.hashes.append((sha256, fresh))
        if idempotency is not None:
            self.sent[idempotency.key] = (idempotency.fingerprint, job_id)
        frames = select(video, request.start_s, request.end_s, request.every)
        self.jobs[job_id] = Job(
            id=job_id,
            state=self.outcome,
            request=request,
            video=video.info,
            created_at=NOON,
            started_at=None if self.outcome is JobState.QUEUED else NOON,
            finished_at=NOON if self.outcome.final else None,
            frames_done=len(frames) if self.outcome is JobState.SUCCEEDED else 0,
            frames_total=len(frames),
            frames_ready=len(frames) if self.outcome is JobState.SUCCEEDED else 0,
            failure=self.failure,
        )
        return self.jobs[job_id]

    def change(self, job_id: str, **values: Any) -> Job:
        self.jobs[job_id] = replace(self.jobs[job_id], **values)
        return self.jobs[job_id]

    def get(self, job_id: str) -> Job:
        if self.broken:
            raise sa.exc.OperationalError("SELECT 1", {}, Exception("no route to host"))
        if job_id not in self.jobs:
            raise JobNotFound(f"No job has the id {job_id!r}.")
        return self.jobs[job_id]

    def find(self, job_ids: Collection[str]) -> Sequence[Job]:
        self.looks.append(sorted(job_ids))
        if self.broken:
            raise ConnectionError("no route to host")
        return [self.jobs[job_id] for job_id in job_ids if job_id in self.jobs]

    def list(
        self, state: JobState | None, limit: int, cursor: str | None
    ) -> tuple[Sequence[Job], str | None]:
        if cursor is not None and not cursor.isdigit():
            raise BadCursor(f"cursor must be one that a list of jobs gave, got {cursor!r}.")
        start = int(cursor or 0)
        found = [job for job in reversed(self.jobs.values()) if state in {None, job.state}]
        following = str(start + limit) if start + limit < len(found) else None
        return found[start : start + limit], following

    def cancel(self, job_id: str) -> Job:
        if self.get(job_id).state.final:
            return self.get(job_id)
        return self.change(job_id, state=JobState.CANCELED, finished_at=NOON)

    def delete(self, job_id: str) -> None:
        del self.jobs[job_id]

    def queue_depth(self) -> int:
        return sum(job.state is JobState.QUEUED for job in self.jobs.values())

    def load(self) -> Load:
        queued = self.queue_depth()
        running = sum(job.state is JobState.RUNNING for job in self.jobs.values())
        return Load(queued=queued, running=running, oldest_queued_s=12.5 if queued else 0.0)

    def workers(self) -> Sequence[Worker]:
        if self.broken:
            raise ConnectionError("no route to host")
        return self.alive

    def result_summary(self, job_id: str) -> Mapping[str, Any]:
        job = self.get(job_id)
        if not job.state.final:
            raise JobNotFinished(f"Job {job_id!r} is {job.state}.")
        return {
            "job": job_id,
            "model": {"name": "small", "version": "1"},
            "video": schemas.Video.of(job.video).model_dump(),
            "tracks": [{"id": self.track, "score": 0.9, "start": 0, "stop": job.frames_total}],
        }

    def frames(self, job_id: str, *, follow: bool = False) -> Iterator[str]:
        index = 0
        while True:
            job = self.get(job_id)
            if index < job.frames_done:
                yield line(index)
                index += 1
            elif job.state is JobState.SUCCEEDED or not follow:
                return
            elif job.state.final:
                raise JobHasNoResult(f"Job {job_id!r} has no result.")
            else:
                yield ""


class FakeKeys:
    """No keys: everybody is served."""

    def in_force(self) -> bool:
        return False

    def find(self, presented: str) -> Key:
        raise KeyUnknown(presented)


@dataclass
class FakeUploads:
    """Receives uploads in a folder of the test.

    Attributes:
        folder: holds them.
        away: whether the files of jobs can't be had.
    """

    folder: Path
    away: bool = False

    def check(self) -> None:
        if self.away:
            raise StoreAway("The store of the jobs' files doesn't answer; try later.")

    def new_id(self) -> str:
        return secrets.token_hex(16)

    def incoming(self, job_id: str) -> Path:
        return self.folder / job_id

    def upload(self, job_id: str) -> JobFile:
        return JobFile(job_id, "upload")

    def kept(self, job_id: str) -> Path:
        return self.folder / f"{job_id}.kept"

    def find(self, file: JobFile) -> Path | None:
        self.check()
        path = self.kept(file.job_id)
        return path if path.exists() else None

    def discard(self, job_id: str) -> None:
        self.incoming(job_id).unlink(missing_ok=True)


@dataclass
class FakeRenderings:
    """Renders in the process that it is sent to, as the name of the job's video says.

    Attributes:
        folder: holds the files, a log with a line a rendering, and the last one's process id.
    """

    folder: Path

    def path(self, job_id: str, name: str) -> Path:
        return self.folder / f"{job_id}.{name}"

    def find(self, job_id: str, name: str) -> Path | None:
        path = self.path(job_id, name)
        return path if path.exists() else None

    def render(self, job_id: str, name: str, filename: str) -> None:
        (self.folder / "pid").write_text(str(os.getpid()))
        with (self.folder / "log").open("a") as log:
            log.write(f"{job_id} {name}\n")
        path = self.path(job_id, name)
        unfinished = path.with_name(f".{path.name}")
        unfinished.write_bytes(bytes(range(100)))
        match filename:
            case "slow.mp4":
                while not (self.folder / "go").exists():
                    time.sleep(0.01)
            case "hanging.mp4":
                time.sleep(600)
            case "crashing.mp4":
                os._exit(1)
            case "broken.mp4":
                raise BrokenVideo("Nothing can be decoded.")
            case "huge.mp4":
                raise OSError(errno.ENOSPC, "No space left on device")
            case "odd.mp4":
                raise ZeroDivisionError
        unfinished.replace(path)

    def discard(self, job_id: str, name: str) -> None:
        (self.folder / f".{job_id}.{name}").unlink(missing_ok=True)

    def log(self) -> list[str]:
        """Return the renderings that were begun."""
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []
