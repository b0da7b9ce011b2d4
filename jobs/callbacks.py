"""Webhooks: which are due when jobs end, and the thread that sends them."""

import base64
import hashlib
import hmac
import json
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from jobs.database import CALLBACKS, JOBS, now
from jobs.errors import BadUrl
from jobs.outbound import FAILURES, Outbound
from jobs.periodic import Periodic

# When to try again after each try that failed, seconds: eight tries within about ten hours.
RETRY_AFTER_S = (5.0, 30.0, 120.0, 600.0, 1800.0, 7200.0, 25200.0)
_TRY_S = 15.0
# A try whose worker dies is taken up by another after this; longer than any try takes.
_LEASE_S = 120.0
_LOOK_EVERY_S = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Callback:
    """A webhook that is due."""

    job_id: str
    url: str
    tries: int
    body: bytes
    request_id: str | None


class Callbacks:
    """The rows of webhooks, each of which becomes due in the transaction that ends its job."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._now = now(engine)

    def take(self) -> Callback | None:
        """Take the one due longest, so that no other worker does; None if none is due."""
        with self._engine.connect() as connection:
            row = connection.execute(
                sa.select(CALLBACKS, JOBS)
                .join(JOBS, JOBS.c.id == CALLBACKS.c.job_id)
                .where(CALLBACKS.c.due_at <= self._now)
                .order_by(CALLBACKS.c.due_at)
                .limit(1)
            ).first()
        if row is None:
            return None
        found = row._mapping
        with self._engine.begin() as connection:
            tries = connection.execute(
                CALLBACKS.update()
                .where(
                    CALLBACKS.c.job_id == found[CALLBACKS.c.job_id],
                    CALLBACKS.c.due_at == found[CALLBACKS.c.due_at],
                )
                .values(due_at=self._now + _LEASE_S, tries=CALLBACKS.c.tries + 1)
                .returning(CALLBACKS.c.tries)
            ).scalar()
        if tries is None:
            return None  # another worker was quicker
        return Callback(
            found[CALLBACKS.c.job_id],
            found[CALLBACKS.c.url],
            tries,
            _body(found),
            found[JOBS.c.request_id],
        )

    def done(self, job_id: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(CALLBACKS.delete().where(CALLBACKS.c.job_id == job_id))

    def try_again(self, job_id: str, after_s: float) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                CALLBACKS.update()
                .where(CALLBACKS.c.job_id == job_id)
                .values(due_at=self._now + after_s)
            )


def _body(row: sa.RowMapping) -> bytes:
    failed = row[JOBS.c.failure_kind] is not None
    ended_at = datetime.fromtimestamp(row[JOBS.c.finished_at], UTC)
    payload = {
        "type": f"job.{row[JOBS.c.state]}",
        "timestamp": ended_at.isoformat(timespec="milliseconds"),
        "data": {
            "id": row[JOBS.c.id],
            "state": row[JOBS.c.state],
            "frames_done": row[JOBS.c.frames_done],
            "frames_total": row[JOBS.c.frames_total],
            "failure": row[JOBS.c.failure_message] if failed else None,
            "labels": row[JOBS.c.request].get("labels", {}),
        },
    }
    return json.dumps(payload, separators=(",", ":")).encode()


def signed_headers(secret: bytes, message_id: str, sent_at: int, body: bytes) -> dict[str, str]:
    """Return the headers of Standard Webhooks, symmetric v1; `sent_at` is seconds since 1970."""
    signed = b".".join([message_id.encode(), str(sent_at).encode(), body])
    digest = hmac.digest(secret, signed, hashlib.sha256)
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(sent_at),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


class WebhookSender(Periodic):
    """Sends webhooks, one after another, beside the jobs of its worker."""

    def __init__(self, callbacks: Callbacks, outbound: Outbound, secret: bytes) -> None:
        super().__init__(_LOOK_EVERY_S, "webhook sender")
        self._callbacks = callbacks
        self._outbound = outbound
        self._secret = secret

    def __exit__(self, *_: object) -> None:
        """Send no more; a try that is going on ends by itself, or is taken up after its lease."""
        self.stop()

    def run_once(self) -> None:
        try:
            while not self.stopping and (callback := self._callbacks.take()) is not None:
                self._send(callback)
        except Exception:
            # As with heartbeats: a hiccup of the database must not end the loop.
            _log.exception("webhook not handled")

    def _send(self, callback: Callback) -> None:
        message_id = f"msg_{callback.job_id}"
        headers = signed_headers(self._secret, message_id, int(time.time()), callback.body)
        try:
            status = self._outbound.post(callback.url, callback.body, headers, _TRY_S)
            reason = None if 200 <= status < 300 else f"status {status}"
        except (BadUrl, *FAILURES) as error:
            reason = f"{type(error).__name__}: {error}"
        fields = {
            "job": callback.job_id,
            "request_id": callback.request_id,
            "tries": callback.tries,
        }
        if reason is None:
            self._callbacks.done(callback.job_id)
            _log.info("webhook sent", extra=fields)
        elif callback.tries > len(RETRY_AFTER_S):
            self._callbacks.done(callback.job_id)
            _log.warning("webhook given up", extra={**fields, "reason": reason})
        else:
            self._callbacks.try_again(callback.job_id, RETRY_AFTER_S[callback.tries - 1])
            _log.info("webhook failed", extra={**fields, "reason": reason})
