"""Whose turn it is: the order in which the segments of all jobs are given to workers."""

import sqlalchemy as sa

from jobs.database import JOBS, SEGMENTS
from jobs.values import JobState

_UNFINISHED = JOBS.c.state.in_([JobState.QUEUED, JobState.RUNNING])


def next_turn(connection: sa.Connection, owner: str | None) -> int:
    """Return the turn of a new job's first segment; its others follow one by one.

    Workers take the segment with the smallest turn. A new job's turns begin where work stands now,
    but after those of its owner's other jobs: owners with work share the workers evenly, segment
    by segment, and an owner's own jobs go in their order. Nobody gains by posting many jobs, or by
    having waited.

    Source: start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996), with segments for
    packets and equal weights.
    """
    begun = sa.select(sa.func.max(JOBS.c.turn + SEGMENTS.c.number)).join(
        SEGMENTS, SEGMENTS.c.job_id == JOBS.c.id
    )
    own = sa.select(sa.func.max(JOBS.c.turn + JOBS.c.segments)).where(
        _UNFINISHED, JOBS.c.owner.is_not_distinct_from(owner)
    )
    next_one = sa.select(sa.func.min(JOBS.c.turn)).where(_UNFINISHED)
    turns = (connection.execute(query).scalar() for query in (begun, own, next_one))
    return max((turn for turn in turns if turn is not None), default=1)
