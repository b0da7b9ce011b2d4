"""How long jobs may take: every worker fails those, whoever works on them, that take longer."""

import logging

from jobs.errors import JobTimedOut
from jobs.metrics import WorkerMetrics
from jobs.periodic import Periodic
from jobs.records import JobRecords
from jobs.values import JobFailure, JobState

_LOOK_EVERY_S = 1.0

_log = logging.getLogger(__name__)


class Deadline(Periodic):
    """Fails jobs that take too long.

    It does no more than to write down that the job failed: whoever works on it sees that it isn't
    wanted any more, and nobody takes up the rest.

    Args:
        timeout_s: from when a job's first segment is taken up to its end; None for any time.
    """

    def __init__(
        self, records: JobRecords, timeout_s: float | None, metrics: WorkerMetrics
    ) -> None:
        super().__init__(_LOOK_EVERY_S, "deadline")
        self._metrics = metrics
        self._records = records
        self._timeout_s = timeout_s

    def run_once(self) -> None:
        """Fail the jobs that take too long by now."""
        try:
            if self._timeout_s is not None:
                self._enforce(self._timeout_s)
        except Exception:
            # As with heartbeats: a hiccup of the database must not end the thread.
            _log.exception("jobs that take too long couldn't be looked for")

    def _enforce(self, timeout_s: float) -> None:
        message = f"The job took longer than {timeout_s:g} s."
        failure = JobFailure(JobTimedOut.__name__, message)
        for job_id in self._records.overdue(timeout_s):
            if self._records.finish(job_id, JobState.FAILED, failure):
                self._metrics.ended(JobState.FAILED, failure)
                about = {"job": job_id, "request_id": self._records.origin(job_id).request_id}
                _log.warning("job took too long", extra=about)
