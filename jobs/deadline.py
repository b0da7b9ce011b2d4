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
    """Fails jobs that end later than `timeout_s` after their first segment is taken up."""

    def __init__(
        self, records: JobRecords, timeout_s: float | None, metrics: WorkerMetrics
    ) -> None:
        super().__init__(_LOOK_EVERY_S, "deadline")
        self._metrics = metrics
        self._records = records
        self._timeout_s = timeout_s

    def run_once(self) -> None:
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
