"""Which workers are alive, and the takeover of the jobs of those that aren't."""

import logging
import time
from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa
from dbos import DBOS

from jobs.database import WORKERS, WORKFLOW, now
from jobs.periodic import Periodic
from jobs.values import Worker

BEAT_S = 1.0
DEAD_AFTER_S = 5.0
LATE_AFTER_S = 3.0  # who beats that late doesn't trust what it sees of the others
_FORGET_AFTER_S = 3600.0

_log = logging.getLogger(__name__)


class WorkerRegister:
    """The heartbeats of the workers, by the database's clock."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._now = now(engine)

    def beat(self, worker: Worker) -> None:
        values = asdict(worker)
        with self._engine.begin() as connection:
            known = connection.execute(
                WORKERS.update().where(WORKERS.c.id == worker.id).values(seen_at=self._now)
            )
            if not known.rowcount:
                connection.execute(WORKERS.insert().values(seen_at=self._now, **values))
                connection.execute(
                    WORKERS.delete().where(WORKERS.c.seen_at < self._now - _FORGET_AFTER_S)
                )

    def retire(self, worker: Worker) -> None:
        """Remove a worker, so that its job is taken over without a wait."""
        with self._engine.begin() as connection:
            connection.execute(WORKERS.delete().where(WORKERS.c.id == worker.id))

    def live(self) -> Sequence[Worker]:
        """Return the workers seen within `DEAD_AFTER_S`, by id."""
        columns = [WORKERS.c[name] for name in Worker.__dataclass_fields__]
        query = (
            sa.select(*columns)
            .where(WORKERS.c.seen_at > self._now - DEAD_AFTER_S)
            .order_by(WORKERS.c.id)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).mappings()
            # Null in the rows of workers of an older version.
            return [
                Worker(
                    **{
                        **row,
                        "runtime": row["runtime"] or "",
                        "sandbox_lacks": row["sandbox_lacks"] or (),
                        "card": row["card"] or {},
                    }
                )
                for row in rows
            ]


class Heartbeat(Periodic):
    """Says that this worker is alive, and whether it may say of others that they aren't."""

    def __init__(self, register: WorkerRegister, worker: Worker) -> None:
        super().__init__(BEAT_S, "heartbeat")
        self._register = register
        self._worker = worker
        self._beaten_at = time.monotonic()
        self._trusted_from = 0.0

    def run_once(self) -> None:
        try:
            self._register.beat(self._worker)
        except Exception:
            # A hiccup of the database must not end the loop: the next beat makes up for it.
            _log.exception("heartbeat failed", extra={"worker": self._worker.id})
            self._trusted_from = time.monotonic() + DEAD_AFTER_S
            return
        if self._is_late():
            self._trusted_from = time.monotonic() + DEAD_AFTER_S
        self._beaten_at = time.monotonic()

    def may_judge(self) -> bool:
        """Say whether a silent worker is dead: not where this one couldn't beat either."""
        return not self._is_late() and time.monotonic() >= self._trusted_from

    def _is_late(self) -> bool:
        return time.monotonic() > self._beaten_at + LATE_AFTER_S


class Takeover(Periodic):
    """Takes over the jobs of dead workers, in a thread apart from heartbeats; needs DBOS."""

    def __init__(self, register: WorkerRegister, worker: Worker, heartbeat: Heartbeat) -> None:
        super().__init__(BEAT_S, "takeover")
        self._register = register
        self._worker = worker
        self._heartbeat = heartbeat

    def run_once(self) -> None:
        try:
            self._take_over()
        except Exception:
            _log.exception("watch failed", extra={"worker": self._worker.id})

    def _take_over(self) -> None:
        """Requeue what dead workers of this runtime were doing, and what a failed run left."""
        running = DBOS.list_workflows(
            status="PENDING",
            name=WORKFLOW,
            app_version=self._worker.runtime,
            load_input=False,
            load_output=False,
        )
        alive = {worker.id for worker in self._register.live()} | {self._worker.id}
        dead = {workflow.executor_id for workflow in running if workflow.executor_id} - alive
        if dead and self._heartbeat.may_judge():  # asked last: the queries may have waited, too
            _log.warning("taking over from dead workers", extra={"workers": ",".join(sorted(dead))})
            # Private, for want of a public one that keeps the count of attempts: a test holds it,
            # and the requirements hold the version.
            DBOS._recover_pending_workflows(sorted(dead))
