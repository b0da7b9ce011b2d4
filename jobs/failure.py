"""What is kept of an error that ends a job."""

import logging

from dbos import PortableWorkflowError
from dbos import error as dbos_error

import pipeline.errors
from jobs.errors import JobError
from jobs.values import JobFailure
from pipeline.errors import PipelineError


class WorkerLost(Exception):  # noqa: N818 - the name says the state, as httpx's errors do
    """Worker after worker died over a job, so that it is given up."""


_log = logging.getLogger(__name__)


def may_pass(error: BaseException) -> bool:
    """Say whether a step that failed with `error` may succeed when it is tried again."""
    return not isinstance(error, PipelineError | JobError | FileNotFoundError)


def failure_of(error: Exception, job_id: str) -> JobFailure:
    """Say why a job failed, for its client.

    The pipeline's errors are meant for clients. Any other is a fault of ours: its text may hold
    paths, so that it goes to the log only.
    """
    if isinstance(error, PipelineError | WorkerLost):
        return JobFailure(type(error).__name__, str(error))
    if isinstance(error, PortableWorkflowError) and _is_of_pipeline(error.name):
        # Of a step whose worker died just after it: DBOS kept the error as JSON.
        return JobFailure(error.name, error.message)
    cause = error.errors[-1] if isinstance(error, dbos_error.DBOSMaxStepRetriesExceeded) else error
    _log.error("A job failed unexpectedly.", exc_info=cause, extra={"job": job_id})
    return JobFailure("InternalError", "The job failed by a fault of the service.")


def _is_of_pipeline(name: str) -> bool:
    kind = getattr(pipeline.errors, name, None)
    return isinstance(kind, type) and issubclass(kind, PipelineError)
