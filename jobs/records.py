"""What is known of each job: its row in the database, which alone says where the job stands."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import sqlalchemy as sa

from jobs.database import CALLBACKS, JOBS, LABELS, SEGMENTS, now, workflow_id
from jobs.errors import JobNotFound
from jobs.fair_queue import waits_before
from jobs.listing import conditions, cursor_of, number_of
from jobs.pinning import PinnedElsewhere, hand_back, pin, unpin
from jobs.segments import segment_range
from jobs.values import (
    Job,
    JobFailure,
    JobFilter,
    JobPage,
    JobRequest,
    JobState,
    Key,
    Load,
)
from pipeline.values import VideoInfo

UNFINISHED = JOBS.c.state.in_([JobState.QUEUED, JobState.RUNNING])
# Of its segments while there are any; afterwards as the job's end noted it.
_FRAMES_DONE = sa.func.coalesce(
    sa.select(sa.func.sum(SEGMENTS.c.frames_done))
    .where(SEGMENTS.c.job_id == JOBS.c.id)
    .scalar_subquery(),
    JOBS.c.frames_done,
)
ROWS = sa.select(
    *(column for column in JOBS.columns if column.name != "frames_done"),
    _FRAMES_DONE.label("frames_done"),
)


@dataclass(frozen=True)
class JobProgress:
    """How far an unfinished job's result is: `linked` segments, and `early` frames beyond.

    Below 0, `early` is how many of those can't be read yet. `model` is the first worker's name and
    version.
    """

    segments: int
    linked: int
    early: int
    model: Mapping[str, str] | None


@dataclass(frozen=True)
class Orphan:
    """An unfinished job whose runtime no worker has; `model` is its name and version."""

    job_id: str
    runtime: str
    segments: int
    readable: bool
    model: Mapping[str, str]


@dataclass(frozen=True)
class Origin:
    """The request that made a job."""

    request_id: str | None = None
    traceparent: str | None = None


class JobRecords:
    """The rows of jobs, of one owner and pinned to one runtime where given; final ones stay."""

    def __init__(
        self, engine: sa.Engine, owner: Key | None = None, runtime: str | None = None
    ) -> None:
        self.engine = engine
        self._runtime = runtime
        # A worker that was thought dead may find its job in the hands of another runtime.
        self._pinned = sa.true() if runtime is None else JOBS.c.runtime == runtime
        self._now = now(engine)
        self._owned = sa.true() if owner is None else JOBS.c.owner == owner.name

    def get(self, job_id: str) -> Job:
        """Return a job; raises JobNotFound."""
        with self.engine.connect() as connection:
            query = ROWS.where(JOBS.c.id == job_id, self._owned)
            row = connection.execute(query).mappings().first()
        if row is None:
            raise JobNotFound(f"No job has the id {job_id!r}.")
        return job_of(row)

    def find(self, job_ids: Collection[str]) -> Sequence[Job]:
        query = ROWS.where(JOBS.c.id.in_(job_ids), self._owned)
        with self.engine.connect() as connection:
            return [job_of(row) for row in connection.execute(query).mappings()]

    def list(self, wanted: JobFilter, limit: int, cursor: str | None) -> JobPage:
        """Return up to `limit` jobs, newest first; raises BadCursor."""
        clauses = [self._owned, *conditions(wanted)]
        query = ROWS.where(*clauses).order_by(JOBS.c.number.desc()).limit(limit + 1)
        if cursor is not None:
            query = query.where(JOBS.c.number < number_of(cursor))
        total = sa.select(sa.func.count()).select_from(JOBS).where(*clauses)
        with self.engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
            count = connection.execute(total).scalar_one()
        following = cursor_of(rows[limit - 1]["number"]) if len(rows) > limit else None
        return JobPage([job_of(row) for row in rows[:limit]], following, count)

    def ids(self) -> set[str]:
        with self.engine.connect() as connection:
            return set(connection.execute(sa.select(JOBS.c.id)).scalars())

    def finished(self, older_than_s: float) -> Sequence[str]:
        """Return the ids of the jobs that ended so long ago or longer, oldest end first."""
        query = (
            sa.select(JOBS.c.id)
            .where(~UNFINISHED, JOBS.c.finished_at <= self._now - older_than_s, self._owned)
            .order_by(JOBS.c.finished_at, JOBS.c.number)
        )
        with self.engine.connect() as connection:
            return connection.execute(query).scalars().all()

    def overdue(self, timeout_s: float) -> Sequence[str]:
        """Return the ids of the unfinished jobs that were taken up so long ago or longer."""
        query = sa.select(JOBS.c.id).where(UNFINISHED, JOBS.c.started_at <= self._now - timeout_s)
        with self.engine.connect() as connection:
            return connection.execute(query).scalars().all()

    def count(self, state: JobState) -> int:
        with self.engine.connect() as connection:
            query = sa.select(sa.func.count()).select_from(JOBS).where(JOBS.c.state == state)
            return connection.execute(query).scalar_one()

    def load(self) -> Load:
        age_s = self._now - sa.func.min(JOBS.c.created_at)
        query = sa.select(JOBS.c.state, sa.func.count(), age_s).where(UNFINISHED)
        with self.engine.connect() as connection:
            rows = connection.execute(query.group_by(JOBS.c.state)).all()
        found = {state: (count, float(age_s)) for state, count, age_s in rows}
        queued, oldest_s = found.get(JobState.QUEUED, (0, 0.0))
        running, _ = found.get(JobState.RUNNING, (0, 0.0))
        return Load(queued=queued, running=running, oldest_queued_s=max(0.0, oldest_s))

    def take_up(self, job_id: str, segment: int, model: Mapping[str, str]) -> int | None:
        """Count an attempt at a segment; None: the job isn't wanted. Raises PinnedElsewhere."""
        with self.engine.begin() as connection:
            # First the job's row, which stays locked: its end removes the rows of its segments.
            wanted = connection.execute(
                JOBS.update()
                .where(JOBS.c.id == job_id, UNFINISHED)
                .values(
                    state=JobState.RUNNING,
                    started_at=sa.func.coalesce(JOBS.c.started_at, self._now),
                    model=sa.func.coalesce(JOBS.c.model, sa.literal(model, sa.JSON)),
                    runtime=sa.func.coalesce(JOBS.c.runtime, self._runtime),
                )
                .returning(JOBS.c.runtime)
            ).first()
            if wanted is None:
                return None
            if wanted.runtime == self._runtime:
                if self._runtime is not None:
                    pin(connection, job_id, self._runtime)
                return _attempt(connection, job_id, segment)
            hand_back(connection, job_id, segment, wanted.runtime)
        raise PinnedElsewhere

    def origin(self, job_id: str) -> Origin:
        with self.engine.connect() as connection:
            query = sa.select(JOBS.c.request_id, JOBS.c.traceparent).where(JOBS.c.id == job_id)
            row = connection.execute(query).first()
        return Origin() if row is None else Origin(*row)

    def place(self, job_id: str) -> int:
        """Return the place of a job's first segment, as `fair_queue` has it; 0 if it has none."""
        with self.engine.connect() as connection:
            query = sa.select(JOBS.c.place).where(JOBS.c.id == job_id)
            return connection.execute(query).scalar() or 0

    def waits_before(self, place: int) -> bool:
        """Say whether a segment with a smaller place waits for a worker of this runtime."""
        with self.engine.connect() as connection:
            return waits_before(connection, place, self._runtime)

    def report(self, job_id: str, segment: int, frames_done: int) -> bool:
        """Note how far a segment is, which never goes back; say whether the job is still wanted."""
        known = SEGMENTS.c.frames_done
        with self.engine.begin() as connection:
            changed = connection.execute(
                SEGMENTS.update()
                .where(
                    SEGMENTS.c.job_id == job_id,
                    SEGMENTS.c.number == segment,
                    sa.exists().where(JOBS.c.id == job_id, self._pinned),
                )
                .values(frames_done=sa.case((known < frames_done, frames_done), else_=known))
            )
            return changed.rowcount > 0

    def progress(self, job_id: str) -> JobProgress | None:
        """Return how far the result is; None if the job isn't wanted any more."""
        early = sa.func.coalesce(JOBS.c.early, 0)
        columns = (JOBS.c.segments, JOBS.c.linked, early, JOBS.c.model)
        with self.engine.connect() as connection:
            row = connection.execute(
                sa.select(*columns).where(JOBS.c.id == job_id, UNFINISHED, self._pinned)
            ).first()
        return None if row is None else JobProgress(*row)

    def note_early_frames(self, job_id: str, segment: int, frames: int) -> None:
        """Note how many frames can be read of the segment that the result goes on with."""
        known = sa.func.coalesce(JOBS.c.early, 0)
        with self.engine.begin() as connection:
            connection.execute(
                JOBS.update()
                .where(JOBS.c.id == job_id, JOBS.c.linked == segment, self._pinned, UNFINISHED)
                .values(early=sa.case((known < frames, frames), else_=known))
            )

    def linked(self, job_id: str, segment: int, held: int) -> None:
        """Note that the result has the next segment, but for `held` frames."""
        with self.engine.begin() as connection:
            connection.execute(
                JOBS.update()
                .where(JOBS.c.id == job_id, JOBS.c.linked == segment, self._pinned, UNFINISHED)
                .values(linked=segment + 1, early=-held)
            )

    def finish(self, job_id: str, state: JobState, failure: JobFailure | None = None) -> bool:
        """Bring a job to a final state; say whether it was unfinished before."""
        values: dict[str, Any] = {"state": state, "finished_at": self._now}
        if failure is not None:
            values |= {"failure_kind": failure.kind, "failure_message": failure.message}
        this = JOBS.c.id == job_id
        with self.engine.begin() as connection:
            changed = connection.execute(
                JOBS.update().where(this, UNFINISHED, self._owned, self._pinned).values(values)
            )
            if not changed.rowcount:
                return False
            done = JOBS.c.frames_total if state is JobState.SUCCEEDED else _FRAMES_DONE
            connection.execute(JOBS.update().where(this).values(frames_done=done))
            connection.execute(SEGMENTS.delete().where(SEGMENTS.c.job_id == job_id))
            # In the same transaction: no webhook is sent too early, and none is forgotten.
            connection.execute(
                CALLBACKS.update().where(CALLBACKS.c.job_id == job_id).values(due_at=self._now)
            )
            return True

    def orphans(self, live: Collection[str]) -> Sequence[Orphan]:
        """Return the unfinished jobs that are pinned to none of the live runtimes."""
        readable = sa.or_(JOBS.c.linked > 0, sa.func.coalesce(JOBS.c.early, 0) > 0)
        columns = (JOBS.c.id, JOBS.c.runtime, JOBS.c.segments, readable, JOBS.c.model)
        query = sa.select(*columns).where(UNFINISHED, JOBS.c.runtime.not_in(live))
        with self.engine.connect() as connection:
            return [Orphan(*row) for row in connection.execute(query)]

    def unpin(self, orphan: Orphan) -> bool:
        """Leave a job of which nothing is done to any runtime; say whether it was."""
        with self.engine.begin() as connection:
            unpinned = connection.execute(
                JOBS.update()
                .where(JOBS.c.id == orphan.job_id, JOBS.c.runtime == orphan.runtime, UNFINISHED)
                .values(runtime=None, model=None)
            )
            if unpinned.rowcount:
                unpin(connection, orphan.job_id)
            return unpinned.rowcount > 0

    def workflows(self, job_id: str) -> Sequence[str]:
        """Return DBOS's names of the work on a job's segments."""
        with self.engine.connect() as connection:
            query = sa.select(JOBS.c.segments).where(JOBS.c.id == job_id)
            segments = connection.execute(query).scalar() or 0
        return [workflow_id(job_id, segment) for segment in range(segments)]

    def place_of(self, job_id: str, frame: int) -> tuple[int, int]:
        """Return a reported frame's segment and place there; behind the last, (n, 0)."""
        with self.engine.connect() as connection:
            query = sa.select(JOBS.c.segments, JOBS.c.frames_total).where(JOBS.c.id == job_id)
            segments, total = connection.execute(query).one_or_none() or (0, 0)
        for segment in range(segments or 0):
            frames = segment_range(segment, segments, total)
            if frame < frames.stop:
                return segment, frame - frames.start
        return segments or 0, 0

    def remove(self, job_id: str) -> None:
        """Forget a job; raises JobNotFound."""
        with self.engine.begin() as connection:
            deleted = connection.execute(JOBS.delete().where(JOBS.c.id == job_id, self._owned))
            if not deleted.rowcount:
                raise JobNotFound(f"No job has the id {job_id!r}.")
            connection.execute(CALLBACKS.delete().where(CALLBACKS.c.job_id == job_id))
            connection.execute(LABELS.delete().where(LABELS.c.job_id == job_id))


def _attempt(connection: sa.Connection, job_id: str, segment: int) -> int:
    attempts: int | None = connection.execute(
        SEGMENTS.update()
        .where(SEGMENTS.c.job_id == job_id, SEGMENTS.c.number == segment)
        .values(attempts=SEGMENTS.c.attempts + 1)
        .returning(SEGMENTS.c.attempts)
    ).scalar()
    if attempts is not None:
        return attempts
    place = sa.select(JOBS.c.place + segment).where(JOBS.c.id == job_id).scalar_subquery()
    connection.execute(
        SEGMENTS.insert().values(
            job_id=job_id, number=segment, place=place, attempts=1, frames_done=0
        )
    )
    return 1


def job_of(row: sa.RowMapping) -> Job:
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
        frames_ready=_frames_ready(row),
        failure=JobFailure(row["failure_kind"], row["failure_message"]) if failed else None,
        copied_from=row["copied_from"],
    )


def _frames_ready(row: sa.RowMapping) -> int:
    linked, segments, early = row["linked"], row["segments"], row["early"]
    # Null in the rows of an older version.
    whole = segment_range(linked - 1, segments, row["frames_total"]).stop if linked else 0
    return whole + (early or 0)


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
