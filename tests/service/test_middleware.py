"""Early answers, and the rest of the upload after them."""

from collections.abc import Iterable

import anyio
import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jobs.values import JobState
from service.middleware import LINGER_BYTES, Linger
from tests.service.staging import StagedQueue
from tests.service.test_jobs import add
from tests.service.test_openapi import DOCUMENT

REFUSAL = PlainTextResponse("too large", 413)


async def exchange(
    app: ASGIApp, headers: Iterable[tuple[bytes, bytes]], body: Iterable[bytes]
) -> tuple[list[Message], int]:
    """Return what was sent, and how many blocks of the body were taken."""
    blocks = list(body)
    sent: list[Message] = []
    taken = 0

    async def receive() -> Message:
        nonlocal taken
        taken += 1
        more = taken < len(blocks)
        return {"type": "http.request", "body": blocks[taken - 1], "more_body": more}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": list(headers)}
    await Linger(app)(scope, receive, send)
    return sent, taken


def run(
    app: ASGIApp, headers: Iterable[tuple[bytes, bytes]], body: Iterable[bytes]
) -> tuple[list[Message], int]:
    return anyio.run(exchange, app, headers, body)


async def read_one_then_refuse(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await REFUSAL(scope, receive, send)


async def read_all(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive())["more_body"]:
        pass
    await REFUSAL(scope, receive, send)


def test_head_is_answered_as_get_without_the_body(url: str, queue: StagedQueue) -> None:
    job = add(queue, JobState.SUCCEEDED)
    names = {"job_id": job.id, "slug": "bad-url"}
    made = {"Prefer": "wait=40"}
    paths = [path.format(**names) for path, each in DOCUMENT["paths"].items() if "get" in each]
    paths.remove("/metrics")  # which counts the requests for it
    for path in [*paths, "/", "/docs", "/openapi.json", "/static/main.js", "/jobs/none"]:
        with httpx.stream("GET", url + path, headers=made, timeout=60) as got:
            head = httpx.head(url + path, headers=made, timeout=60)
            assert (path, head.status_code, head.content) == (path, got.status_code, b"")
            for name in ("Content-Type", "Content-Length", "ETag", "Cache-Control", "Vary"):
                assert (path, name, head.headers.get(name)) == (path, name, got.headers.get(name))
    assert httpx.head(f"{url}/metrics").status_code == 200
    refused = httpx.post(f"{url}/livez")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")
    assert httpx.head(f"{url}/segment").status_code == 405


@pytest.mark.parametrize("app", [REFUSAL, read_one_then_refuse])
def test_the_answer_goes_out_before_the_rest_is_taken_in(app: ASGIApp) -> None:
    sent, taken = run(app, [(b"content-length", b"5")], [b"a"] * 5)
    assert taken == 5
    assert [message.get("body") for message in sent[1:]] == [b"too large", b""]
    assert [message["more_body"] for message in sent[1:]] == [True, False]


def test_no_more_than_the_bound_is_taken_in() -> None:
    _, taken = run(REFUSAL, [(b"transfer-encoding", b"chunked")], [bytes(LINGER_BYTES // 4)] * 20)
    assert taken == 4


@pytest.mark.parametrize(
    ("app", "headers"),
    [
        (REFUSAL, []),
        (REFUSAL, [(b"content-length", b"3"), (b"expect", b"100-continue")]),
        (read_all, [(b"content-length", b"3")]),
    ],
    ids=["no body", "waits to be asked", "all read"],
)
def test_an_answer_with_nothing_to_come_is_passed_on(
    app: ASGIApp, headers: list[tuple[bytes, bytes]]
) -> None:
    sent, _ = run(app, headers, [b"a"] * 3)
    assert len(sent) == 2
    assert sent[1]["body"] == b"too large"
