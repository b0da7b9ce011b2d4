"""How long jobs may take: every worker fails those, whoever works on them, that take longer."""

import logging
import threading
from types import TracebackType
from typing import Self

from jobs.failure import JobTimedOut
from jobs.metrics import WorkerMetrics
from jobs.records import JobRecords
from jobs.values import JobFailure, JobState

_LOOK_EVERY_S = 1.0

_log = logging.getLogger(__name__)


class Deadline:
    """Fails jobs that take too long, in a thread.

    It does no more than to write down that the job failed: whoever works on it sees that it isn't
    wanted any more, and nobody takes up the rest.

    Args:
        records: of the jobs.
        timeout_s: from when a job's first segment is taken up to its end; None for any time.
        metrics: where they are counted.
    """

    def __init__(
        self, records: JobRecords, timeout_s: float | None, metrics: WorkerMetrics
    ) -> None:
        self._metrics = metrics
        self._records = records
        self._timeout_s = timeout_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="deadline", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while self._timeout_s is not None and not self._stop.wait(_LOOK_EVERY_S):
            try:
                self._enforce(self._timeout_s)
            except Exception:
                # As with heartbeats: a hiccup of the database must not end the loop.
                _log.exception("Jobs that take too long couldn't be looked for.")

    def _enforce(self, timeout_s: float) -> None:
        message = f"Got a job that takes longer than {timeout_s:g} s, wanted it done by then."
        failure = JobFailure(JobTimedOut.__name__, message)
        for job_id in self._records.overdue(timeout_s):
            if self._records.finish(job_id, JobState.FAILED, failure):
                self._metrics.ended(JobState.FAILED, failure)
                about = {"job": job_id, "request_id": self._records.origin(job_id).request_id}
                _log.warning("A job took too long.", extra=about)
