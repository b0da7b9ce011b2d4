"""Jobs that no worker can go on with, since none has the runtime any more that began them."""

import logging
import time
from contextlib import suppress

from jobs.errors import ModelGone, StoreAway
from jobs.liveness import WorkerRegister
from jobs.metrics import WorkerMetrics
from jobs.periodic import Periodic
from jobs.pinning import unpin_claimed
from jobs.records import JobRecords, Orphan
from jobs.store import JobStore
from jobs.values import JobFailure, JobState, Worker

# For a worker of the same runtime to come back, such as one that is restarted on another machine.
WAIT_S = 120.0
_LOOK_EVERY_S = 2.0

_log = logging.getLogger(__name__)


class Orphans(Periodic):
    """Restarts jobs whose runtime is gone; those with a finished segment wait, and then fail."""

    def __init__(
        self,
        records: JobRecords,
        register: WorkerRegister,
        worker: Worker,
        store: JobStore,
        metrics: WorkerMetrics,
        *,
        wait_s: float = WAIT_S,
    ) -> None:
        super().__init__(_LOOK_EVERY_S, "orphans")
        self._records = records
        self._register = register
        self._own = worker.runtime
        self._store = store
        self._metrics = metrics
        self._wait_s = wait_s
        self._missing_since: dict[str, float] = {}

    def run_once(self) -> None:
        try:
            self._look()
        except Exception:
            # As with heartbeats: a hiccup of the database must not end the thread. Nobody could
            # beat meanwhile, so that who seems to be gone may not be.
            _log.exception("orphaned jobs couldn't be looked for")
            self._missing_since.clear()

    def _look(self) -> None:
        live = {self._own, *(worker.runtime for worker in self._register.live())}
        with self._records.engine.begin() as connection:
            unpin_claimed(connection, live)
        orphans = self._records.orphans(live)
        now = time.monotonic()
        self._missing_since = {
            orphan.runtime: self._missing_since.get(orphan.runtime, now) for orphan in orphans
        }
        for orphan in orphans:
            with suppress(StoreAway):  # the next run makes up for it
                self._see_to(orphan, now - self._missing_since[orphan.runtime])

    def _see_to(self, orphan: Orphan, missing_s: float) -> None:
        if not self._begun(orphan):
            if self._records.unpin(orphan):
                _log.info("job begins anew", extra={"job": orphan.job_id})
            return
        if missing_s < self._wait_s:
            return
        model = f"{orphan.model['name']} {orphan.model['version']}"
        message = (
            f"The job was begun with the model {model}, and no worker with it came within "
            f"{self._wait_s:g} s; post it again."
        )
        failure = JobFailure(ModelGone.__name__, message)
        if self._records.finish(orphan.job_id, JobState.FAILED, failure):
            self._metrics.ended(JobState.FAILED, failure)
            _log.warning("job's model is gone", extra={"job": orphan.job_id})

    def _begun(self, orphan: Orphan) -> bool:
        """Say whether frames can be read, or a segment is finished that waits for others."""
        parts = (self._store.part(orphan.job_id, number) for number in range(orphan.segments))
        return orphan.readable or any(self._store.exists(part) for part in parts)
