"""Which workers may do the segments of a job: any, until the first one pins it to its runtime.

DBOS gives a workflow that has an application version to workers of that version only: so the
version is the runtime, and what waits of a pinned job gets it. No function of DBOS sets it later: a
test holds this, and the requirements hold the version.
"""

from collections.abc import Collection

import sqlalchemy as sa

from jobs.database import JOBS, QUEUE, of_job, workflow_id, workflows

# The worker that takes a workflow gives it the name of its application, too.
_UNTAKEN = {
    "status": "ENQUEUED",
    "application_name": None,
    "owner_xid": None,
    "started_at_epoch_ms": None,
}


class PinnedElsewhere(Exception):
    """The job of a segment that this worker took is pinned to another runtime."""


def pin(connection: sa.Connection, job_id: str, runtime: str) -> None:
    """Leave what waits of a job to workers of one runtime."""
    table = workflows(connection)
    waiting = table.update().where(of_job(table, job_id), table.c.status == "ENQUEUED")
    connection.execute(waiting.values(application_version=runtime, application_name=None))


def hand_back(connection: sa.Connection, job_id: str, segment: int, runtime: str) -> None:
    """Let a job's runtime have a segment that another took before it was pinned."""
    table = workflows(connection)
    this = table.c.workflow_uuid == workflow_id(job_id, segment)
    connection.execute(
        table.update()
        .where(this, table.c.status == "PENDING")
        .values(application_version=runtime, **_UNTAKEN)
    )


def unpin(connection: sa.Connection, job_id: str) -> None:
    """Let any worker have all of a job of which nothing is done."""
    table = workflows(connection)
    unfinished = table.c.status.in_(["ENQUEUED", "PENDING"])
    connection.execute(
        table.update()
        .where(of_job(table, job_id), unfinished)
        .values(application_version=None, **_UNTAKEN)
    )


def unpin_claimed(connection: sa.Connection, live: Collection[str]) -> None:
    """Let any worker have the segments whose worker died before it could pin their job."""
    table = workflows(connection)
    unpinned = sa.select(JOBS.c.id).where(JOBS.c.runtime.is_(None))
    connection.execute(
        table.update()
        .where(
            table.c.queue_name == QUEUE,
            table.c.status.in_(["ENQUEUED", "PENDING"]),
            table.c.application_version.not_in(live),
            sa.func.substr(table.c.workflow_uuid, 1, 32).in_(unpinned),
        )
        .values(application_version=None, **_UNTAKEN)
    )
