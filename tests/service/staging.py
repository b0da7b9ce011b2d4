"""The real queue on SQLite, whose jobs a test moves on in place of a worker; outages on demand."""

import shutil
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from jobs.database import JOBS, METADATA, WORKERS, embedded_url
from jobs.engine import JobQueue
from jobs.errors import StoreAway
from jobs.folder_store import FolderStore
from jobs.store import JobFile
from jobs.summary import to_summary
from jobs.values import Job, JobFailure, JobState, Worker
from pipeline.values import Shot, Track
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
FAR_S = 1e6
"""How far ahead the heartbeats of the workers lie that a test wants alive."""


def line(index: int) -> str:
    mask = '{"size":[48,64],"counts":"b14\\\\1000ni2"}'
    return (
        f'{{"index":{index},"time_s":{index / 25:g},"objects":[{{"track":1,"score":0.9,'
        f'"box":[1,2,3,4],"area":12,"segmentation":{mask}}}]}}\n'
    )


class FaultyStore(FolderStore):
    """Keeps the files of jobs, until a test says that they are `away`."""

    away = False

    def check(self) -> None:
        if self.away:
            raise StoreAway("The store of the jobs' files doesn't answer; try later.")

    def find(self, file: JobFile) -> Path | None:
        self.check()
        return super().find(file)


class StagedQueue(JobQueue):
    """Jobs of one segment, which a test moves on with `change`.

    `outcome` is the state that a job has as soon as it is submitted; while `broken`, the database
    is away for who looks at jobs or workers; `looks` are the ids of each look at several jobs.
    """

    store: FaultyStore

    def __init__(self, folder: Path) -> None:
        super().__init__(embedded_url(folder), FaultyStore(folder), poll_s=0)
        self.reset()

    def reset(self) -> None:
        """Be as new."""
        self.outcome = JobState.SUCCEEDED
        self.failure: JobFailure | None = None
        self.broken = False
        self.track = 1
        self.hashes: list[tuple[str | None, bool]] = []
        self.looks: list[list[str]] = []
        with self._engine.begin() as connection:
            for table in METADATA.tables.values():
                connection.execute(table.delete())
        for folder in (self.store.root / "jobs").iterdir():
            shutil.rmtree(folder)
        for left in self.store.uploads.iterdir():
            left.unlink()
        self.set_workers(WORKER)

    def set_workers(self, *workers: Worker) -> None:
        """Let these workers be alive, and no others."""
        with self._engine.begin() as connection:
            connection.execute(WORKERS.delete())
            for worker in workers:
                values = asdict(worker) | {"seen_at": time.time() + FAR_S}
                connection.execute(WORKERS.insert().values(values))

    @property
    def jobs(self) -> dict[str, Job]:
        """All jobs by their ids, oldest first."""
        found = self.list(limit=1000).jobs
        return {job.id: job for job in reversed(found)}

    def submit(self, *arguments: Any, **named: Any) -> Job:
        self.hashes.append((named.get("sha256"), named.get("fresh", False)))
        job = super().submit(*arguments, **named)
        if self.outcome is JobState.QUEUED:
            return job
        return self.change(job.id, state=self.outcome, failure=self.failure)

    def change(self, job_id: str, **values: Any) -> Job:
        """Move a job on; frames that are done can be read unless `frames_ready` says otherwise."""
        job = super().get(job_id)
        state = values.get("state", job.state)
        row: dict[str, Any] = {"state": state}
        row |= {name: values[name] for name in ("copied_from", "frames_done") if name in values}
        if state is not JobState.QUEUED:
            row |= {"started_at": time.time()}
        if state.final:
            row |= {"finished_at": time.time()}
        for name in ("created_at", "finished_at"):
            if name in values:
                row |= {name: values[name].timestamp()}
        if "request" in values:
            row |= {"request": asdict(values["request"])}
        if failure := values.get("failure"):
            row |= {"failure_kind": failure.kind, "failure_message": failure.message}
        ready = values.get("frames_ready", values.get("frames_done"))
        if state is JobState.SUCCEEDED:
            row |= {"frames_done": job.frames_total, "linked": 1, "early": 0}
            self._write_result(job)
        elif ready is not None:
            row |= {"early": ready}
            self._write_lines(self.store.early(job_id, 0), job, ready)
        with self._engine.begin() as connection:
            connection.execute(JOBS.update().where(JOBS.c.id == job_id).values(row))
        return super().get(job_id)

    def repeat(self, job_id: str, count: int) -> None:
        """Add jobs like this one, for tests that need many."""
        with self._engine.begin() as connection:
            row = connection.execute(JOBS.select().where(JOBS.c.id == job_id)).mappings().one()
            same = {column.key: row[column] for column in JOBS.columns if column.key != "number"}
            for _ in range(count):
                connection.execute(JOBS.insert().values(same | {"id": self.store.new_id()}))

    def vanish(self, job_id: str) -> None:
        """Delete a job of which nobody sees that it is canceled first."""
        with self._engine.begin() as connection:
            connection.execute(JOBS.delete().where(JOBS.c.id == job_id))

    def _write_result(self, job: Job) -> None:
        self._write_lines(self.store.frames(job.id, 0), job, job.frames_total)
        tracks = [Track(id=self.track, score=0.9, start=0, stop=job.frames_total)]
        model = {"name": "small", "version": "1"}
        with self.store.writing(self.store.summary(job.id)) as path:
            shots = [Shot(0, job.frames_total)]
            path.write_text(to_summary(job.id, model, job.video, shots, tracks))

    def _write_lines(self, file: JobFile, job: Job, count: int) -> None:
        with self.store.writing(file) as path:
            path.write_text("".join(line(index * job.request.every) for index in range(count)))

    def get(self, job_id: str) -> Job:
        self._require_database()
        return super().get(job_id)

    def find(self, job_ids: Collection[str]) -> Sequence[Job]:
        self.looks.append(sorted(job_ids))
        self._require_database()
        return super().find(job_ids)

    def workers(self) -> Sequence[Worker]:
        self._require_database()
        return super().workers()

    def _require_database(self) -> None:
        if self.broken:
            raise sa.exc.OperationalError("SELECT 1", {}, Exception("no route to host"))
