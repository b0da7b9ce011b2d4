"""How a job comes to be: is there room, was it asked for before, and its row in the database."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from jobs.database import API_KEYS, CALLBACKS, JOBS, LABELS, now
from jobs.errors import IdempotencyConflict, TooManyJobs
from jobs.fair_queue import next_place, rank_of
from jobs.records import ROWS, UNFINISHED, job_of
from jobs.values import Idempotency, Job, JobRequest, JobState, Key
from pipeline.values import VideoInfo

_NOT_IN_THE_RESULT = ("filename", "callback_url", "priority", "labels")


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """A job to be added; without a `digest` (`digest_of`) its result isn't found by it.

    One worker does its segments `in_a_row`, one after another.
    """

    id: str
    request: JobRequest
    video: VideoInfo
    frames_total: int
    segments: int
    idempotency: Idempotency | None = None
    digest: str | None = None
    request_id: str | None = None
    traceparent: str | None = None
    in_a_row: int = 1


@dataclass(frozen=True)
class CachedResult:
    """A finished job of the same digest."""

    job_id: str
    segments: int
    model: Mapping[str, str]
    runtime: str


class Admission:
    """Adds jobs for an owner and sees its jobs only; None adds nobody's and sees all."""

    def __init__(self, engine: sa.Engine, owner: Key | None = None) -> None:
        self._engine = engine
        self._now = now(engine)
        self._owner = owner
        self._owned = sa.true() if owner is None else JOBS.c.owner == owner.name

    def check_room(self, connection: sa.Connection, added: int = 0) -> None:
        """Raise TooManyJobs if the owner has no room, besides `added` jobs of this transaction."""
        if self._owner is None or self._owner.max_jobs is None:
            return
        # The key's row is locked where the database can, so that no two jobs take the last place.
        lock = sa.select(API_KEYS.c.id).where(API_KEYS.c.name == self._owner.name)
        connection.execute(lock.with_for_update())
        query = sa.select(sa.func.count()).select_from(JOBS).where(self._owned, UNFINISHED)
        unfinished = connection.execute(query).scalar_one() - added
        if unfinished >= self._owner.max_jobs:
            raise TooManyJobs(
                f"The key of {self._owner.name!r} may have {self._owner.max_jobs} unfinished jobs, "
                f"and has {unfinished}."
            )

    def add(self, connection: sa.Connection, job: NewJob) -> int:
        """Add a queued job; return its `next_place`. Raises TooManyJobs or IntegrityError."""
        owner = None if self._owner is None else self._owner.name
        place = next_place(connection, owner, job.request.priority, job.segments)
        values = {"state": JobState.QUEUED, "frames_done": 0, "linked": 0, "place": place}
        self._insert(connection, job, values, due_at=None)
        # Afterwards, since SQLite's transaction begins with the first that writes.
        self.check_room(connection, added=1)
        return place

    def add_finished(self, connection: sa.Connection, job: NewJob, cached: CachedResult) -> None:
        """Add a job with a copied result; IntegrityError: a job has this idempotency key."""
        values = {
            "state": JobState.SUCCEEDED,
            "started_at": self._now,
            "finished_at": self._now,
            "frames_done": job.frames_total,
            "linked": job.segments,
            "model": cached.model,
            "runtime": cached.runtime,
            "copied_from": cached.job_id,
        }
        self._insert(connection, job, values, due_at=self._now)

    def _insert(
        self,
        connection: sa.Connection,
        job: NewJob,
        values: Mapping[str, Any],
        due_at: sa.ColumnElement[float] | None,
    ) -> None:
        connection.execute(JOBS.insert().values(**self._row(job), **values))
        labels = [
            {"job_id": job.id, "name": name, "value": value}
            for name, value in job.request.labels.items()
        ]
        if labels:
            connection.execute(LABELS.insert(), labels)
        if job.request.callback_url is not None:
            callback = {"job_id": job.id, "url": job.request.callback_url, "tries": 0}
            connection.execute(CALLBACKS.insert().values(**callback, due_at=due_at))

    def _row(self, job: NewJob) -> dict[str, Any]:
        video = job.video
        fractions = {"fps": str(video.fps), "pixel_aspect": str(video.pixel_aspect)}
        return {
            "id": job.id,
            "request": asdict(job.request),
            "video": asdict(video) | fractions,
            "created_at": self._now,
            "frames_total": job.frames_total,
            "segments": job.segments,
            "rank": rank_of(job.request.priority),
            "owner": None if self._owner is None else self._owner.name,
            "idempotency_key": self._scoped(job.idempotency.key) if job.idempotency else None,
            "fingerprint": job.idempotency.fingerprint if job.idempotency else None,
            "digest": job.digest,
            "request_id": job.request_id,
            "traceparent": job.traceparent,
        }

    def repeated(self, idempotency: Idempotency) -> Job | None:
        """Return the job that this request already made; IdempotencyConflict: another one did."""
        query = ROWS.where(JOBS.c.idempotency_key == self._scoped(idempotency.key))
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            return None
        if row["fingerprint"] != idempotency.fingerprint:
            raise IdempotencyConflict(
                f"The Idempotency-Key {idempotency.key!r} was sent with another video or other "
                "options before."
            )
        return job_of(row)

    def cached_result(self, digest: str, runtimes: Collection[str]) -> CachedResult | None:
        """Find the owner's latest job that succeeded with this digest."""
        query = (
            sa.select(JOBS.c.id, JOBS.c.segments, JOBS.c.model, JOBS.c.runtime)
            .where(
                JOBS.c.digest == digest,
                JOBS.c.state == JobState.SUCCEEDED,
                JOBS.c.runtime.in_(runtimes),
                self._owned,
            )
            .order_by(JOBS.c.number.desc())
            .limit(1)
        )
        with self._engine.connect() as connection:
            found = connection.execute(query).first()
        return None if found is None else CachedResult(*found)

    def _scoped(self, key: str) -> str:
        return f"{'' if self._owner is None else self._owner.name}\n{key}"


def digest_of(sha256: str, request: JobRequest) -> str:
    """Return a hash that is equal for requests which one runtime must answer alike.

    >>> digest_of("0", JobRequest(filename="a")) == digest_of("0", JobRequest(filename="b"))
    True
    """
    options = asdict(request)
    wanted = {name: value for name, value in options.items() if name not in _NOT_IN_THE_RESULT}
    return hashlib.sha256(json.dumps([sha256, wanted], sort_keys=True).encode()).hexdigest()
