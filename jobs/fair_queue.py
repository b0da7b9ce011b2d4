"""The order in which workers take the segments of all jobs, fair to their owners."""

from collections.abc import Sequence

import sqlalchemy as sa

from jobs.database import JOBS, QUEUE, SEGMENTS, of_job, workflows
from jobs.values import JobState, Priority

_UNFINISHED = JOBS.c.state.in_([JobState.QUEUED, JobState.RUNNING])
_RANKS: dict[Priority, int] = {"low": 0, "normal": 1, "high": 2}
# Of a job, how many segments workers have taken up, which they mostly do in order.
_NEXT = sa.select(sa.func.count()).where(SEGMENTS.c.job_id == JOBS.c.id).scalar_subquery()


def rank_of(priority: Priority) -> int:
    """Return a priority's rank among an owner's jobs: higher goes first.

    >>> rank_of("high") > rank_of("normal") > rank_of("low")
    True
    """
    return _RANKS[priority]


def next_place(connection: sa.Connection, owner: str | None, priority: Priority, count: int) -> int:
    """Return the place of a new job's first segment, smallest first; the others follow one by one.

    A new job's places begin where work stands now, but after those of its owner's other jobs. So
    owners with work share the workers evenly, segment by segment; nobody gains by posting many
    jobs, or by having waited. Before an owner's jobs of a lower priority it takes their places and
    moves them back, which delays no other owner.

    Source: start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996), with segments for packets
    and equal weights.
    """
    behind = _behind(connection, owner, priority)
    if behind:
        _move_back(connection, [job_id for job_id, _ in behind], count)
        return min(start for _, start in behind)
    begun = sa.select(sa.func.max(SEGMENTS.c.place))
    own = sa.select(sa.func.max(JOBS.c.place + JOBS.c.segments)).where(
        _UNFINISHED, JOBS.c.owner.is_not_distinct_from(owner)
    )
    next_one = sa.select(sa.func.min(JOBS.c.place)).where(_UNFINISHED)
    places = (connection.execute(query).scalar() for query in (begun, own, next_one))
    return max((place for place in places if place is not None), default=1)


def waits_before(connection: sa.Connection, place: int, runtime: str | None) -> bool:
    """Say whether a segment with a smaller place waits for a worker of a runtime."""
    table = workflows(connection)
    version = table.c.application_version
    query = sa.select(sa.func.count()).where(
        table.c.queue_name == QUEUE,
        table.c.status == "ENQUEUED",
        table.c.priority < place,
        sa.or_(version.is_(None), version == runtime),
    )
    return connection.execute(query).scalar_one() > 0


def _behind(
    connection: sa.Connection, owner: str | None, priority: Priority
) -> Sequence[tuple[str, int]]:
    """Return the owner's waiting jobs of lower priority, each with its next segment's place."""
    query = (
        sa.select(JOBS.c.id, JOBS.c.place + _NEXT)
        .where(
            _UNFINISHED,
            JOBS.c.owner.is_not_distinct_from(owner),
            sa.func.coalesce(JOBS.c.rank, _RANKS["normal"]) < _RANKS[priority],
            JOBS.c.segments > _NEXT,
        )
        .order_by(JOBS.c.number)
        .with_for_update()  # so that no worker takes up one of them meanwhile
    )
    return [(job_id, start) for job_id, start in connection.execute(query)]


def _move_back(connection: sa.Connection, job_ids: Sequence[str], count: int) -> None:
    moved = JOBS.update().where(JOBS.c.id.in_(job_ids)).values(place=JOBS.c.place + count)
    connection.execute(moved)
    table = workflows(connection)
    for job_id in job_ids:
        # DBOS has no function for it: a test holds this, and the requirements hold the version.
        waiting = table.update().where(of_job(table, job_id), table.c.status == "ENQUEUED")
        connection.execute(waiting.values(priority=table.c.priority + count))
