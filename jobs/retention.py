"""How long finished jobs are kept: for a time, and while there is room for them."""

import logging

from jobs.engine import JobQueue
from jobs.errors import JobNotFound
from jobs.periodic import Periodic

EVERY_S = 60.0

_log = logging.getLogger(__name__)


class Retention(Periodic):
    """Deletes finished jobs after `keep_s`, and while all jobs take more than `budget_bytes`."""

    def __init__(self, queue: JobQueue, keep_s: float | None, budget_bytes: int | None) -> None:
        super().__init__(EVERY_S, "retention")
        self._queue = queue
        self._keep_s = keep_s
        self._budget_bytes = budget_bytes

    def run_once(self) -> None:
        try:
            self._queue.sweep()
            self.collect()
        except Exception:
            _log.exception("old jobs couldn't be deleted")  # the next run makes up for it

    def collect(self) -> int:
        """Delete what is too old, then what is too much; return how many jobs."""
        deleted = 0
        if self._keep_s is not None:
            for job_id in self._queue.finished(older_than_s=self._keep_s):
                deleted += self._delete(job_id)
        if self._budget_bytes is not None:
            store = self._queue.store
            excess = store.size() - self._budget_bytes
            for job_id in self._queue.finished() if excess > 0 else ():
                if excess <= 0:
                    break
                excess -= store.size(job_id)
                deleted += self._delete(job_id)
        return deleted

    def _delete(self, job_id: str) -> int:
        try:
            self._queue.delete(job_id)
        except JobNotFound:  # its client, or another process, was faster
            return 0
        _log.info("job deleted", extra={"job": job_id})
        return 1
