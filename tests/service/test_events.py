"""Following a job: events that are resumed without loss, shared looks, and clients that leave."""

import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import anyio
import httpx
import pytest
from jsonschema import Draft202012Validator

from jobs.values import Job, JobFailure, JobState
from service.events import Position, news, stream
from service.links import Links
from service.watch import POLL_S, Stopping, Watched
from tests.service.posting import assert_problem
from tests.service.staging import StagedQueue
from tests.service.test_jobs import add
from tests.service.test_openapi import DOCUMENT

Received = tuple[str, str, dict[str, Any]]

LINKS = Links("https://example.org")


def parse(lines: Iterator[str]) -> Iterator[Received]:
    """Read events as (name, id, data); comments are skipped."""
    fields: dict[str, str] = {}
    for text in lines:
        if text and not text.startswith(":"):
            name, _, value = text.partition(": ")
            fields[name] = value
        elif fields and not text:
            yield fields["event"], fields["id"], json.loads(fields["data"])
            fields = {}


def follow(url: str, job: Job, last: str | None = None) -> list[Received]:
    """Read the events of a job to the end of the stream."""
    headers = {} if last is None else {"Last-Event-ID": last}
    with httpx.stream("GET", f"{url}/jobs/{job.id}/events", headers=headers, timeout=30) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].split(";")[0] == "text/event-stream"
        assert answer.headers["Cache-Control"] == "no-store"
        return list(parse(answer.iter_lines()))


def names(events: Sequence[Received]) -> list[str]:
    return [name for name, _, _ in events]


def test_a_job_is_followed_to_its_end(url: str, queue: StagedQueue) -> None:
    job = add(queue, JobState.QUEUED)
    with httpx.stream("GET", f"{url}/jobs/{job.id}/events", timeout=30) as answer:
        events = parse(answer.iter_lines())
        first = next(events)
        assert first[2] == {"state": "queued", "frames_done": 0, "frames_total": 10}
        queue.change(job.id, state=JobState.RUNNING, frames_done=4, frames_ready=0)
        assert next(events)[2] == {"state": "running", "frames_done": 4, "frames_total": 10}
        queue.change(job.id, frames_done=5, frames_ready=4)
        assert names([next(events), next(events)]) == ["progress", "frames"]
        done = {"frames_done": 10, "frames_ready": 10, "state": JobState.SUCCEEDED}
        queue.change(job.id, **done)
        rest = list(events)
    assert names(rest) == ["frames", "succeeded"]
    assert rest[0][2] == {"start": 4, "stop": 10}
    assert rest[1][2] == httpx.get(f"{url}/jobs/{job.id}").json()


@pytest.mark.parametrize(
    ("state", "failure"),
    [(JobState.CANCELED, None), (JobState.FAILED, JobFailure("BrokenVideo", "Bad."))],
)
def test_a_job_without_a_result_ends_with_why(
    url: str, queue: StagedQueue, state: JobState, failure: JobFailure | None
) -> None:
    job = add(queue, state, failure=failure, frames_ready=4)
    ((name, _, body),) = follow(url, job)
    assert name == body["state"] == state
    assert (body["problem"] is None) == (failure is None)
    if failure is not None:
        assert body["problem"]["type"] == "/problems/broken-video"


def test_a_job_that_is_deleted_says_so(url: str, queue: StagedQueue) -> None:
    job = add(queue, JobState.RUNNING)
    with httpx.stream("GET", f"{url}/jobs/{job.id}/events", timeout=30) as answer:
        events = parse(answer.iter_lines())
        next(events)
        queue.vanish(job.id)
        ((name, last, problem),) = list(events)
    assert (name, problem["type"]) == ("deleted", "/problems/job-not-found")
    assert_problem(
        httpx.get(f"{url}/jobs/{job.id}/events", headers={"Last-Event-ID": last}),
        404,
        "job-not-found",
        job.id,
    )


def test_wherever_a_stream_breaks_it_goes_on_without_loss_or_repetition(
    url: str, queue: StagedQueue
) -> None:
    job = add(queue, JobState.RUNNING, frames_done=5, frames_ready=4)
    (_, told), *_ = pairs = list(news(job, Position(), LINKS))
    assert [event.name for event, _ in pairs] == ["progress", "frames"]
    done = {"frames_done": 10, "frames_ready": 10, "state": JobState.SUCCEEDED}
    job = queue.change(job.id, **done)
    assert [body for name, _, body in follow(url, job, str(told)) if name == "frames"] == [
        {"start": 0, "stop": 10}
    ]
    after_frames = follow(url, job, str(pairs[1][1]))
    assert [body for name, _, body in after_frames if name == "frames"] == [
        {"start": 4, "stop": 10}
    ]
    assert names(follow(url, job, after_frames[0][1])) == ["succeeded"]
    last = {"Last-Event-ID": after_frames[1][1]}
    over = httpx.get(f"{url}/jobs/{job.id}/events", headers=last)
    assert (over.status_code, over.content) == (204, b"")


def test_a_client_that_knows_more_is_told_nothing_old(queue: StagedQueue) -> None:
    job = add(queue, JobState.RUNNING, frames_done=5, frames_ready=4)
    assert list(news(job, Position.parse("running-7-6"), LINKS)) == []
    queued = add(queue, JobState.QUEUED)
    assert list(news(queued, Position.parse("running-0-0"), LINKS)) == []


@pytest.mark.parametrize(
    "last", ["", "7", "running-1", "done-1-1", "running-1-1-1", "running--1-1"]
)
def test_a_made_up_id_is_refused(url: str, queue: StagedQueue, last: str) -> None:
    job = add(queue, JobState.RUNNING)
    answer = httpx.get(f"{url}/jobs/{job.id}/events", headers={"Last-Event-ID": last})
    assert_problem(answer, 422, "invalid-request", "Last-Event-ID must be the id")


def test_unknown_jobs_have_no_events(url: str) -> None:
    assert_problem(httpx.get(f"{url}/jobs/{'0' * 32}/events"), 404, "job-not-found", "0" * 32)


def test_events_are_as_documented(url: str, queue: StagedQueue) -> None:
    content = DOCUMENT["paths"]["/jobs/{job_id}/events"]["get"]["responses"]["200"]["content"]
    schemas = {
        "progress": "ProgressEvent",
        "frames": "FramesEvent",
        "succeeded": "Job",
        "failed": "Job",
        "canceled": "Job",
        "deleted": "Problem",
    }
    running = add(queue, JobState.RUNNING, frames_done=5, frames_ready=4)
    failed = add(queue, JobState.FAILED, failure=JobFailure("BrokenVideo", "Bad."))
    told = [event for event, _ in news(running, Position(), LINKS)]
    told += [event for event, _ in news(failed, Position(), LINKS)]
    received = [(event.name, event.data.model_dump(mode="json")) for event in told]
    received += [(name, body) for name, _, body in follow(url, add(queue, JobState.SUCCEEDED))]
    for name, body in received:
        schema = {
            "$ref": f"#/components/schemas/{schemas[name]}",
            "components": DOCUMENT["components"],
        }
        Draft202012Validator(schema).validate(body)
    example = list(
        parse(iter(content["text/event-stream"]["example"].replace(", ...", "").split("\n")))
    )
    assert names(example) == ["progress", "frames", "succeeded"]
    for _, last, _ in example:
        Position.parse(last)


def test_one_look_serves_all_listeners_and_ends_with_the_last(url: str, queue: StagedQueue) -> None:
    first, second = add(queue, JobState.RUNNING), add(queue, JobState.QUEUED)
    threads_before = threading.active_count()
    with ExitStack() as stack:
        streams = []
        for job in [first] * 20 + [second]:
            path = f"{url}/jobs/{job.id}/events"
            answer = stack.enter_context(httpx.stream("GET", path, timeout=30))
            streams.append(parse(answer.iter_lines()))
            assert next(streams[-1])[0] == "progress"
        queue.looks.clear()
        started = time.monotonic()
        time.sleep(20 * POLL_S)
        looks = list(queue.looks)
        assert len(looks) <= (time.monotonic() - started) / POLL_S + 1
        assert looks
        assert all(look == sorted([first.id, second.id]) for look in looks)
        # Whoever waits holds no thread: only the looks themselves take one for a moment.
        assert threading.active_count() <= threads_before + 5
    assert_no_looks(queue)


def test_clients_that_vanish_leave_nothing_behind(url: str, queue: StagedQueue) -> None:
    job = add(queue, JobState.RUNNING)
    port = int(url.rsplit(":", 1)[1])
    for _ in range(30):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(
                f"GET /jobs/{job.id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
            )
            assert client.recv(2**16).startswith(b"HTTP/1.1 200")
    assert_no_looks(queue)
    queue.change(job.id, state=JobState.SUCCEEDED, frames_done=10, frames_ready=10)
    assert names(follow(url, job)) == ["frames", "succeeded"]


def assert_no_looks(queue: StagedQueue) -> None:
    """Wait until nobody is listening any more, which shows in looks that don't come."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        queue.looks.clear()
        time.sleep(20 * POLL_S)
        if not queue.looks:
            return
    raise AssertionError("the looks go on without listeners")


def test_listeners_outlast_a_database_that_is_away(url: str, queue: StagedQueue) -> None:
    job = add(queue, JobState.RUNNING)
    with httpx.stream("GET", f"{url}/jobs/{job.id}/events", timeout=30) as answer:
        events = parse(answer.iter_lines())
        next(events)
        queue.broken = True
        queue.looks.clear()
        while not queue.looks:
            time.sleep(0.05)
        queue.broken = False
        queue.change(job.id, state=JobState.CANCELED)
        assert names(list(events)) == ["canceled"]


def test_a_quiet_stream_is_kept_alive_by_comments(queue: StagedQueue) -> None:
    watched = Watched(add(queue, JobState.QUEUED))

    async def first_blocks() -> list[bytes]:
        blocks = stream("job", watched, Position(), Stopping(), LINKS, heartbeat_s=0.02)
        return [await anext(blocks) for _ in range(3)]

    first, *beats = anyio.run(first_blocks)
    assert first.startswith(b"event: progress\n")
    assert beats == [b": alive\n\n"] * 2


def test_a_slow_client_is_told_how_it_stands_now(queue: StagedQueue) -> None:
    job = add(queue, JobState.RUNNING)
    watched = Watched(job)

    async def read_late() -> list[bytes]:
        blocks = stream(job.id, watched, Position(), Stopping(), LINKS)
        read = [await anext(blocks)]
        for done in range(1, 10):
            watched.update(queue.change(job.id, frames_done=done, frames_ready=0))
        read.append(await anext(blocks))
        watched.update(queue.change(job.id, state=JobState.CANCELED))
        return read + [block async for block in blocks]

    first, second, last = anyio.run(read_late)
    assert b'"frames_done":0' in first
    assert b'"frames_done":9' in second
    assert last.startswith(b"event: canceled\n")
