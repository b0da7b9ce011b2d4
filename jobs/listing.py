"""Lists of jobs: which jobs a filter lets through, and where a page goes on."""

import base64
import binascii
from collections.abc import Iterator

import sqlalchemy as sa

from jobs.database import JOBS, LABELS
from jobs.errors import BadCursor
from jobs.values import JobFilter


def conditions(wanted: JobFilter) -> Iterator[sa.ColumnElement[bool]]:
    """Yield the conditions that a filter sets on jobs."""
    if wanted.states:
        yield JOBS.c.state.in_(wanted.states)
    # Times are shown in whole microseconds, to which a job's own must be equal.
    if wanted.created_after is not None:
        yield JOBS.c.created_at >= wanted.created_after.timestamp() - 5e-7
    if wanted.created_before is not None:
        yield JOBS.c.created_at < wanted.created_before.timestamp() - 5e-7
    for name, value in wanted.labels.items():
        labeled = sa.select(LABELS.c.job_id).where(LABELS.c.name == name, LABELS.c.value == value)
        yield JOBS.c.id.in_(labeled)


def cursor_of(number: int) -> str:
    """Return the cursor of a page that ends at the job of this number."""
    return base64.urlsafe_b64encode(str(number).encode()).decode().rstrip("=")


def number_of(cursor: str) -> int:
    """Return the number of the job that a page ended at; raises BadCursor."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        number = int(base64.urlsafe_b64decode(padded))
    except (ValueError, binascii.Error):
        number = 0
    if not 0 < number < 2**31 or cursor_of(number) != cursor:
        raise BadCursor(f"cursor must be one that a list of jobs gave, got {cursor!r}.")
    return number
