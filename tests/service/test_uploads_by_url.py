"""POST /segment with the address of a video in place of the video."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from service.settings import Settings
from tests.raw_server import RawServer
from tests.service.conftest import Serve
from tests.service.posting import assert_problem, post_url, wait_until
from tests.service.staging import FaultyStore, StagedQueue


def test_a_video_may_be_named_in_place_of_sent(
    serve: Serve, elsewhere: RawServer, queue: StagedQueue, store: FaultyStore
) -> None:
    url = serve(Settings(outbound_allow=("127.0.0.1",)))
    video = f"http://127.0.0.1:{elsewhere.port}/clips/my%20dog.mp4?token=secret"
    body = {"url": video, "every": 2, "threshold": 0.25, "actions": False, "end_s": None}
    key = {"Idempotency-Key": "one"}
    answer = post_url(url, body, **key)
    assert answer.status_code == 200, answer.text
    (job,) = queue.jobs.values()
    assert (job.request.filename, job.request.threshold) == ("my dog.mp4", 0.25)
    assert (job.request.every, job.frames_total) == (2, 5)
    assert "secret" not in httpx.get(f"{url}/jobs/{job.id}").text
    assert post_url(url, body, **key).json() == answer.json()
    assert (elsewhere.connections, len(queue.jobs)) == (1, 1)
    assert_problem(post_url(url, body | {"every": 3}, **key), 422, "idempotency-conflict", "'one'")
    assert list(store.uploads.iterdir()) == []


@pytest.mark.parametrize(
    ("body", "status", "kind", "named"),
    [
        (b"", 400, "malformed-body", "must be valid JSON"),
        (b"{", 400, "malformed-body", "must be valid JSON"),
        (b"[" * 60_000, 400, "malformed-body", "must be valid JSON"),
        (b'{"url": "\xff"}', 400, "malformed-body", "must be valid JSON"),
        (b'{"url": "x", "\\ud800": 1}', 400, "malformed-body", "must be valid JSON"),
        (b"[]", 400, "malformed-body", "an object such as"),
        (b"null", 400, "malformed-body", "an object such as"),
        (bytes(2**17), 413, "upload-too-large", "at most 65536 bytes"),
        (
            {},
            422,
            "invalid-request",
            "url must be the address of a video, as a string, got nothing",
        ),
        ({"url": 1}, 422, "invalid-request", "got 1"),
        (
            b'{"url": "https://a.org", "url": "https://b.org"}',
            422,
            "invalid-request",
            "given once",
        ),
        (
            {"url": "https://a.org", "every": "2"},
            422,
            "invalid-request",
            "every must be a valid integer, got 2",
        ),
        (
            {"url": "https://a.org", "every": True},
            422,
            "invalid-request",
            "every must be a valid integer, got true",
        ),
        (
            {"url": "https://a.org", "every": None},
            422,
            "invalid-request",
            "every must be a valid integer, got null",
        ),
        (
            b'{"url": "https://a.org", "threshold": NaN}',
            422,
            "invalid-request",
            "threshold must be less than 1, got NaN",
        ),
        (
            {"url": "https://a.org", "color": [1]},
            422,
            "invalid-request",
            "'color' is not one of threshold",
        ),
        (
            {"url": "https://a.org", "start_s": 2, "end_s": 1},
            422,
            "invalid-request",
            "end_s must be greater than start_s=2, got 1",
        ),
        ({"url": "clip.mp4"}, 422, "bad-url", "clip.mp4"),
        ({"url": "file:///etc/passwd"}, 422, "bad-url", "file:///etc/passwd"),
        ({"url": "http://example.org/a.mp4"}, 422, "bad-url", "must be https"),
        ({"url": "https://name.invalid/a.mp4"}, 422, "url-unreachable", "name.invalid"),
    ],
)
def test_a_wrong_body_of_json_is_told(
    url: str, body: Any, status: int, kind: str, named: str
) -> None:
    assert_problem(post_url(url, body), status, kind, named)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"])
def test_a_video_on_this_machine_is_not_fetched(url: str, elsewhere: RawServer, host: str) -> None:
    answer = post_url(url, {"url": f"https://{host}:{elsewhere.port}/a.mp4"})
    assert_problem(answer, 422, "bad-url", "must be a public address")
    assert elsewhere.connections == 0


def test_what_is_fetched_and_is_no_video_leaves_nothing(
    serve: Serve, store: FaultyStore, queue: StagedQueue
) -> None:
    url = serve(Settings(outbound_allow=("127.0.0.1",)))
    server = RawServer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    body = {"url": f"http://127.0.0.1:{server.port}/a.mp4"}
    assert_problem(post_url(url, body), 422, "not-a-video", "")
    server.close()
    assert_problem(post_url(url, body), 422, "url-unreachable", f"port {server.port}")
    assert queue.jobs == {}
    assert list(store.uploads.iterdir()) == []


def test_a_client_that_leaves_in_the_download_leaves_nothing(
    serve: Serve, store: FaultyStore, queue: StagedQueue
) -> None:
    url = serve(Settings(outbound_allow=("127.0.0.1",)))
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n"
    server = RawServer(head + bytes(9999), every_s=0.01)
    address = urlsplit(url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port)
    body = json.dumps({"url": f"http://127.0.0.1:{server.port}/a.mp4"})
    connection.request("POST", "/segment", body, {"Content-Type": "application/json"})
    wait_until(lambda: list(store.uploads.iterdir()) != [])
    connection.close()
    wait_until(lambda: list(store.uploads.iterdir()) == [])
    assert queue.jobs == {}
    server.close()
