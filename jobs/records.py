"""What is known of each job: its row in the database, which alone says where the job stands."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import sqlalchemy as sa

from jobs.database import API_KEYS, JOBS, now
from jobs.errors import BadCursor, JobNotFound, TooManyJobs
from jobs.values import Job, JobFailure, JobRequest, JobState, Key
from pipeline.values import VideoInfo

_UNFINISHED = JOBS.c.state.in_([JobState.QUEUED, JobState.RUNNING])


class JobRecords:
    """The rows of jobs. A job that reached a final state never changes again.

    Args:
        engine: of the database.
        owner: whose jobs alone there seem to be; None for all.
    """

    def __init__(self, engine: sa.Engine, owner: Key | None = None) -> None:
        self.engine = engine
        self._now = now(engine)
        self._owner = owner
        self._owned = sa.true() if owner is None else JOBS.c.owner == owner.name

    def check_room(self, connection: sa.Connection, added: int = 0) -> None:
        """Hold the owner's unfinished jobs against what it may have.

        Args:
            connection: to the database.
            added: how many of them this transaction has added.

        Raises:
            TooManyJobs: it may have no more.
        """
        if self._owner is None or self._owner.max_jobs is None:
            return
        # The key's row is locked where the database can, so that no two jobs take the last place.
        lock = sa.select(API_KEYS.c.id).where(API_KEYS.c.name == self._owner.name)
        connection.execute(lock.with_for_update())
        query = sa.select(sa.func.count()).select_from(JOBS).where(self._owned, _UNFINISHED)
        unfinished = connection.execute(query).scalar_one() - added
        if unfinished >= self._owner.max_jobs:
            raise TooManyJobs(
                f"Got one more job than the {unfinished} that are queued or running, wanted at "
                f"most {self._owner.max_jobs} from the key of {self._owner.name!r} at a time."
            )

    def add(
        self,
        connection: sa.Connection,
        job_id: str,
        request: JobRequest,
        video: VideoInfo,
        frames_total: int,
    ) -> None:
        """Add a queued job within the caller's transaction.

        Raises:
            TooManyJobs: its owner may have no more.
        """
        connection.execute(
            JOBS.insert().values(
                id=job_id,
                state=JobState.QUEUED,
                request=asdict(request),
                video=asdict(video)
                | {"fps": str(video.fps), "pixel_aspect": str(video.pixel_aspect)},
                created_at=self._now,
                frames_done=0,
                frames_total=frames_total,
                attempts=0,
                owner=None if self._owner is None else self._owner.name,
            )
        )
        # Afterwards, since SQLite's transaction begins with the first that writes.
        self.check_room(connection, added=1)

    def get(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            JobNotFound: there is none of this id.
        """
        with self.engine.connect() as connection:
            query = sa.select(JOBS).where(JOBS.c.id == job_id, self._owned)
            row = connection.execute(query).mappings().first()
        if row is None:
            raise JobNotFound(f"No job has the id {job_id!r}.")
        return _job(row)

    def list(
        self, state: JobState | None, limit: int, cursor: str | None
    ) -> tuple[Sequence[Job], str | None]:
        """Return up to `limit` jobs, newest first, and the cursor of those that follow.

        Raises:
            BadCursor: `cursor` isn't one that was given out.
        """
        query = sa.select(JOBS).where(self._owned).order_by(JOBS.c.number.desc()).limit(limit + 1)
        if state is not None:
            query = query.where(JOBS.c.state == state)
        if cursor is not None:
            query = query.where(JOBS.c.number < _number(cursor))
        with self.engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        following = _cursor(rows[limit - 1]["number"]) if len(rows) > limit else None
        return [_job(row) for row in rows[:limit]], following

    def ids(self) -> set[str]:
        """Return the ids of all jobs."""
        with self.engine.connect() as connection:
            return set(connection.execute(sa.select(JOBS.c.id)).scalars())

    def count(self, state: JobState) -> int:
        """Return how many jobs are in a state."""
        with self.engine.connect() as connection:
            query = sa.select(sa.func.count()).select_from(JOBS).where(JOBS.c.state == state)
            return connection.execute(query).scalar_one()

    def take_up(self, job_id: str) -> int | None:
        """Note that a worker starts, or goes on with, a job.

        Returns:
            Starts since the job last finished a segment, with this one; None if the job isn't
            wanted any more.
        """
        with self.engine.begin() as connection:
            return connection.execute(
                JOBS.update()
                .where(JOBS.c.id == job_id, _UNFINISHED)
                .values(
                    state=JobState.RUNNING,
                    started_at=sa.func.coalesce(JOBS.c.started_at, self._now),
                    attempts=JOBS.c.attempts + 1,
                )
                .returning(JOBS.c.attempts)
            ).scalar()

    def report(self, job_id: str, frames_done: int, *, segment_finished: bool = False) -> bool:
        """Note how far a job is; it never goes back, also where a segment is done again.

        Returns:
            Whether the job is still wanted.
        """
        values: dict[str, Any] = {
            "frames_done": sa.case(
                (JOBS.c.frames_done < frames_done, frames_done), else_=JOBS.c.frames_done
            )
        }
        if segment_finished:
            values["attempts"] = 0
        return self._change(job_id, values)

    def finish(self, job_id: str, state: JobState, failure: JobFailure | None = None) -> bool:
        """Bring a job to a final state.

        Returns:
            Whether it was unfinished before.
        """
        values: dict[str, Any] = {"state": state, "finished_at": self._now}
        if state is JobState.SUCCEEDED:
            values["frames_done"] = JOBS.c.frames_total
        if failure is not None:
            values |= {"failure_kind": failure.kind, "failure_message": failure.message}
        return self._change(job_id, values)

    def remove(self, job_id: str) -> None:
        """Forget a job.

        Raises:
            JobNotFound: there is none of this id.
        """
        with self.engine.begin() as connection:
            deleted = connection.execute(JOBS.delete().where(JOBS.c.id == job_id, self._owned))
            if not deleted.rowcount:
                raise JobNotFound(f"No job has the id {job_id!r}.")

    def _change(self, job_id: str, values: Mapping[str, Any]) -> bool:
        with self.engine.begin() as connection:
            changed = connection.execute(
                JOBS.update().where(JOBS.c.id == job_id, _UNFINISHED, self._owned).values(**values)
            )
            return changed.rowcount > 0


def _job(row: sa.RowMapping) -> Job:
    video = row["video"]
    fractions = {name: Fraction(video[name]) for name in ("fps", "pixel_aspect")}
    failed = row["failure_kind"] is not None
    return Job(
        id=row["id"],
        state=JobState(row["state"]),
        request=JobRequest(**row["request"]),
        video=VideoInfo(**(video | fractions)),
        created_at=datetime.fromtimestamp(row["created_at"], UTC),
        started_at=_time(row["started_at"]),
        finished_at=_time(row["finished_at"]),
        frames_done=row["frames_done"],
        frames_total=row["frames_total"],
        failure=JobFailure(row["failure_kind"], row["failure_message"]) if failed else None,
    )


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _cursor(number: int) -> str:
    return base64.urlsafe_b64encode(str(number).encode()).decode().rstrip("=")


def _number(cursor: str) -> int:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        number = int(base64.urlsafe_b64decode(padded))
    except (ValueError, binascii.Error):
        number = 0
    if not 0 < number < 2**31 or _cursor(number) != cursor:
        raise BadCursor(f"Got the cursor {cursor!r}, wanted one that a list of jobs gave.")
    return number
