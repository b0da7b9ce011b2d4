"""What is kept of an error that ends a job."""

import errno
import logging
import sqlite3
from collections.abc import Mapping

import sqlalchemy as sa
from dbos import PortableWorkflowError
from dbos import error as dbos_error

import pipeline.errors
from jobs.database import OUTAGES
from jobs.errors import JobError, StoreAway, WorkerLost
from jobs.values import JobFailure
from pipeline.errors import PipelineError

TRIES = 3
OUTAGE_TRIES = 8  # 1, 2, 4, ... seconds apart: more than two minutes
OUTAGE_S = 120.0

_log = logging.getLogger(__name__)


class RetryPolicy:
    """Says whether a step may succeed when tried again: few times, but always during an outage."""

    def __init__(self) -> None:
        self._tries_left = TRIES

    def should_retry(self, error: BaseException) -> bool:
        if is_outage(error):
            return True
        self._tries_left -= 1
        final = isinstance(error, PipelineError | JobError | FileNotFoundError)
        return not final and self._tries_left > 0


def is_outage(error: BaseException) -> bool:
    """Say whether an error comes from a database, or a store of files, that doesn't answer."""
    return isinstance(error, (*OUTAGES, StoreAway))


def failure_of(error: Exception, about: Mapping[str, object]) -> JobFailure:
    """Say why a job failed; the text of a fault of ours may hold paths and is only logged."""
    if isinstance(error, PipelineError | WorkerLost):
        return JobFailure(type(error).__name__, str(error))
    if isinstance(error, PortableWorkflowError) and _is_of_pipeline(error.name):
        # Of a step whose worker died just after it: DBOS kept the error as JSON.
        return JobFailure(error.name, error.message)
    cause = error.errors[-1] if isinstance(error, dbos_error.DBOSMaxStepRetriesExceeded) else error
    if isinstance(cause, StoreAway):
        return JobFailure("StoreAway", str(cause))
    if _is_full(cause):
        return JobFailure("StorageFull", "The data volume is full.")
    if is_outage(cause):
        return JobFailure("DatabaseAway", "The database of jobs doesn't answer.")
    _log.error("job failed unexpectedly", exc_info=cause, extra=about)
    return JobFailure("InternalError", "The job failed by a fault of the service.")


def _is_full(error: BaseException) -> bool:
    if isinstance(error, sa.exc.OperationalError):
        return getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}


def _is_of_pipeline(name: str) -> bool:
    kind = getattr(pipeline.errors, name, None)
    return isinstance(kind, type) and issubclass(kind, PipelineError)
