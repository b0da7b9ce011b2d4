"""Webhooks: signed as the specification says, sent once a job has ended, tried again, given up."""

import base64
import json
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import sqlalchemy as sa

from jobs.addresses import AddressGuard
from jobs.callbacks import RETRY_AFTER_S, Callbacks, WebhookSender, signed_headers
from jobs.database import CALLBACKS, now
from jobs.outbound import Outbound
from jobs.values import Job, JobState
from tests.jobs.conftest import Bench, wait_for

SECRET = bytes(range(24))


@dataclass
class Receiver:
    """A server that notes what is posted to it, and answers with `statuses` in turn, then 204."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.headers.append({name.lower(): text for name, text in self.headers.items()})
            receiver.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook?token=1"
    yield receiver
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def sender(bench: Bench) -> WebhookSender:
    """Give one that runs when it is told to, or when it is entered."""
    outbound = Outbound(AddressGuard(["127.0.0.0/8"]))
    return WebhookSender(Callbacks(bench.queue._engine), outbound, SECRET)


def due(bench: Bench) -> list[tuple[str, int, bool]]:
    """Return what is left: job, tries, and whether its job has ended."""
    with bench.queue._engine.connect() as connection:
        rows = connection.execute(sa.select(CALLBACKS)).mappings()
        return [(row["job_id"], row["tries"], row["due_at"] is not None) for row in rows]


def make_due(bench: Bench) -> None:
    with bench.queue._engine.begin() as connection:
        connection.execute(CALLBACKS.update().values(due_at=0.0))


def test_a_webhook_is_signed_as_standard_webhooks_says() -> None:
    # The example of the specification's authors: docs.svix.com, verifying webhooks manually.
    headers = signed_headers(
        base64.b64decode("plJ3nmyCDGBKInavdOK15jsl"),
        "msg_loFOjxBNrRLzqYUf",
        1731705121,
        b'{"event_type":"ping","data":{"success":true}}',
    )
    assert headers["webhook-signature"] == "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="


def test_the_end_of_a_job_is_told_once(
    bench: Bench, clip: Path, receiver: Receiver, sender: WebhookSender
) -> None:
    job = bench.submit(clip, every=8, callback_url=receiver.url, labels={"project": "cats"})
    assert due(bench) == [(job.id, 0, False)]
    worker = bench.start_worker()
    with sender:
        ended_at = bench.wait_until_final(job).finished_at
        assert ended_at is not None
        wait_for(lambda: due(bench) == [], "the webhook")
    sender._thread.join()
    worker.send_signal(signal.SIGTERM)
    worker.wait()
    (body,), (headers,) = receiver.bodies, receiver.headers
    assert json.loads(body) == {
        "type": "job.succeeded",
        "timestamp": ended_at.isoformat(timespec="milliseconds"),
        "data": {
            "id": job.id,
            "state": "succeeded",
            "frames_done": 6,
            "frames_total": 6,
            "failure": None,
            "labels": {"project": "cats"},
        },
    }
    expected = signed_headers(
        SECRET, headers["webhook-id"], int(headers["webhook-timestamp"]), body
    )
    assert headers["webhook-signature"] == expected["webhook-signature"]
    assert headers["content-type"] == "application/json"


def cancel(bench: Bench, clip: Path, url: str | None) -> Job:
    return bench.queue.cancel(bench.submit(clip, callback_url=url).id)


def test_cancellation_is_told_and_nothing_where_nobody_asked(
    bench: Bench, clip: Path, receiver: Receiver, sender: WebhookSender
) -> None:
    cancel(bench, clip, None)
    job = cancel(bench, clip, receiver.url)
    sender.run_once()
    assert due(bench) == []
    (body,) = receiver.bodies
    assert json.loads(body)["data"]["id"] == job.id
    assert json.loads(body)["type"] == "job.canceled"


def test_a_receiver_that_fails_is_tried_again_and_given_up(
    bench: Bench, clip: Path, receiver: Receiver, sender: WebhookSender
) -> None:
    receiver.statuses = [500, 302, 404]
    job = cancel(bench, clip, receiver.url)
    for tries in (1, 2, 3):
        sender.run_once()
        assert due(bench) == [(job.id, tries, True)]
        assert 0 < put_off_s(bench) <= RETRY_AFTER_S[tries - 1]
        assert len(receiver.bodies) == tries
        make_due(bench)
    sender.run_once()
    assert due(bench) == []
    assert len({headers["webhook-id"] for headers in receiver.headers}) == 1
    assert len(set(receiver.bodies)) == 1

    receiver.statuses = [500] * (len(RETRY_AFTER_S) + 1)
    cancel(bench, clip, receiver.url)
    while due(bench):
        make_due(bench)
        sender.run_once()
    assert receiver.statuses == []


def put_off_s(bench: Bench) -> float:
    """Return in how many seconds the next try is."""
    query = sa.select(CALLBACKS.c.due_at - now(bench.queue._engine))
    with bench.queue._engine.connect() as connection:
        return float(connection.execute(query).scalar_one())


def test_two_workers_never_take_the_same(bench: Bench, clip: Path) -> None:
    jobs = {cancel(bench, clip, f"https://example.org/{n}").id for n in range(6)}
    callbacks = Callbacks(bench.queue._engine)
    taken: list[str] = []

    def take_all() -> None:
        for _ in range(20):
            if callback := callbacks.take():
                taken.append(callback.job_id)

    threads = [threading.Thread(target=take_all) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(jobs)


def test_a_deleted_job_is_told_no_more(bench: Bench, clip: Path, receiver: Receiver) -> None:
    job = cancel(bench, clip, receiver.url)
    assert job.state is JobState.CANCELED
    bench.queue.delete(job.id)
    assert due(bench) == []
