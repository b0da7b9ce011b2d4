"""POST /segment: answers, waits, and everything that can be wrong with an upload."""

import hashlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from jobs.values import JobFailure, JobState
from service.settings import Settings
from tests.raw_server import RawServer
from tests.service.conftest import Serve, write_clip
from tests.service.fakes import FakeQueue, FakeUploads


def post(url: str, file: Path | bytes, prefer: str | None = None, **options: str) -> httpx.Response:
    content = file if isinstance(file, bytes) else file.read_bytes()
    headers = {"Prefer": prefer} if prefer else {}
    files = {"file": ("../clip of mine.mp4", content)}
    return httpx.post(f"{url}/segment", files=files, data=options, headers=headers, timeout=30)


def test_a_request_that_is_sent_again_makes_no_second_job(
    url: str, clip: Path, queue: FakeQueue, uploads: FakeUploads
) -> None:
    def send(key: str, **options: str) -> httpx.Response:
        files = {"file": ("clip.mp4", clip.read_bytes())}
        headers = {"Idempotency-Key": key}
        return httpx.post(f"{url}/segment", files=files, data=options, headers=headers, timeout=30)

    first, again = send("one"), send("one")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert len(queue.jobs) == 1
    assert not any(uploads.folder.iterdir())
    other = send("one", every="2")
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-conflict")
    assert send("two").json()["job"] != first.json()["job"]
    assert send("x" * 256).json()["type"] == "/problems/invalid-request"


def test_the_same_is_worked_on_afresh_only_if_the_client_says_so(
    serve: Serve, clip: Path, elsewhere: RawServer, queue: FakeQueue
) -> None:
    url = serve(Settings(outbound_allow=("127.0.0.1",)))
    files = {"file": ("clip.mp4", clip.read_bytes())}
    httpx.post(f"{url}/segment", files=files)
    for given in ("no-cache", "max-age=0, No-Cache", "no-store"):
        httpx.post(f"{url}/segment", files=files, headers={"Cache-Control": given})
    post_url(url, {"url": f"http://127.0.0.1:{elsewhere.port}/a.mp4"})
    sha256 = hashlib.sha256(clip.read_bytes()).hexdigest()
    assert queue.hashes == [(sha256, fresh) for fresh in (False, True, True, False, False)]


def test_a_video_is_answered_with_its_result(
    url: str, clip: Path, queue: FakeQueue, uploads: FakeUploads
) -> None:
    answer = post(url, clip, every="2")
    assert answer.status_code == 200, answer.text
    result = answer.json()
    assert answer.headers["Location"] == f"/jobs/{result['job']}"
    assert "Preference-Applied" not in answer.headers
    assert result["video"]["fps"] == "25/1"
    assert [frame["index"] for frame in result["frames"]] == [0, 1, 2, 3, 4]
    assert queue.jobs[result["job"]].request.filename == "clip of mine.mp4"
    assert queue.jobs[result["job"]].request.every == 2
    assert list(uploads.folder.iterdir()) == []  # the fake queue takes no files


def test_a_job_that_takes_longer_is_answered_with_its_address(
    url: str, clip: Path, queue: FakeQueue
) -> None:
    queue.outcome = JobState.QUEUED
    answer = post(url, clip, "respond-async")
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["Location"] == f"/jobs/{job['id']}"
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert (job["state"], job["progress"]) == ("queued", {"frames_done": 0, "frames_total": 10})


def test_the_wait_ends_when_the_job_does(url: str, clip: Path, queue: FakeQueue) -> None:
    queue.outcome = JobState.RUNNING

    def finish() -> None:
        while not queue.jobs:
            time.sleep(0.01)
        queue.change(next(iter(queue.jobs)), state=JobState.SUCCEEDED, frames_done=10)

    thread = threading.Thread(target=finish)
    thread.start()
    started = time.monotonic()
    answer = post(url, clip, "wait=50")
    thread.join()
    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "wait=50"
    assert time.monotonic() - started < 20


def test_the_wait_is_capped(serve: Serve, clip: Path, queue: FakeQueue) -> None:
    queue.outcome = JobState.RUNNING
    answer = post(serve(Settings(wait_s=0, max_wait_s=1)), clip, "wait=1000")
    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "wait=1"


@pytest.mark.parametrize(
    ("failure", "answered"),
    [
        (JobFailure("BrokenVideo", "Got a damaged packet."), (422, "broken-video")),
        (JobFailure("WorkerLost", "Given up."), (500, "worker-lost")),
        (JobFailure("InternalError", "A fault."), (500, "internal-error")),
    ],
)
def test_a_job_that_fails_within_the_wait_answers_its_problem(
    url: str, clip: Path, queue: FakeQueue, failure: JobFailure, answered: tuple[int, str]
) -> None:
    queue.outcome, queue.failure = JobState.FAILED, failure
    status, kind = answered
    answer = post(url, clip)
    problem = answer.json()
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["type"] == f"/problems/{kind}"
    assert problem["detail"] == failure.message
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    assert answer.headers["Location"] == f"/jobs/{problem['job']}"


def test_a_job_canceled_within_the_wait_answers_so(url: str, clip: Path, queue: FakeQueue) -> None:
    queue.outcome = JobState.CANCELED
    assert_problem(post(url, clip), 410, "job-canceled", "canceled after 0 of 10 frames")


def assert_problem(answer: httpx.Response, status: int, kind: str, named: str) -> dict[str, Any]:
    problem: dict[str, Any] = answer.json()
    assert answer.status_code == status, problem
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["type"] == f"/problems/{kind}"
    assert problem["status"] == status
    assert named in problem["detail"]
    return problem


class Canary(BaseHTTPRequestHandler):
    """Notes every request in the server's list `seen`."""

    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(self.path)
        self.send_error(404)


@pytest.fixture
def canary() -> Iterator[tuple[str, list[str]]]:
    seen: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Noting", (Canary,), {"seen": seen}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    server.server_close()
    thread.join()


def test_files_that_are_no_good_video_are_refused_and_the_next_one_is_served(
    url: str, clip: Path, sound: Path, uploads: FakeUploads, canary: tuple[str, list[str]]
) -> None:
    address, seen = canary
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{address}/x.ts\n#EXT-X-ENDLIST\n"
    concat = f"ffconcat version 1.0\nfile '{clip}'\n"
    whole = clip.read_bytes()
    for content, status, kind in [
        (b"hello, world", 422, "not-a-video"),
        (bytes(100_000), 422, "not-a-video"),
        (playlist.encode(), 422, "not-a-video"),
        (concat.encode(), 422, "not-a-video"),
        (sound.read_bytes(), 422, "no-video-stream"),
        (whole[: len(whole) // 2], 422, None),
        (b"", 422, "invalid-request"),
    ]:
        answer = post(url, content)
        problem = answer.json()
        assert answer.status_code == status, problem
        assert kind is None or problem["type"] == f"/problems/{kind}"
        assert problem["detail"].startswith("Got ")
        assert str(uploads.folder) not in answer.text
    assert post(url, clip).status_code == 200
    assert seen == []
    assert list(uploads.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("limits", "named"),
    [({"max_pixels": 1000}, "1000"), ({"max_frames": 5}, "5"), ({"max_duration_s": 0.1}, "0.1")],
)
def test_a_video_past_a_limit_is_told_which(
    serve: Serve, clip: Path, limits: dict[str, Any], named: str
) -> None:
    assert_problem(post(serve(Settings(**limits)), clip), 413, "video-too-large", named)


def test_a_file_past_the_limit_in_bytes_is_refused_while_it_is_sent(
    serve: Serve, uploads: FakeUploads
) -> None:
    url = serve(Settings(max_upload_mib=1))
    assert_problem(post(url, bytes(2**20 + 2**17)), 413, "upload-too-large", "1 MiB")
    sent = 0

    def body() -> Iterator[bytes]:
        nonlocal sent
        yield b'--cut\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(2000):
            sent += 2**16
            yield bytes(2**16)

    headers = {"Content-Type": "multipart/form-data; boundary=cut"}
    answer = httpx.post(f"{url}/segment", content=body(), headers=headers, timeout=30)
    assert_problem(answer, 413, "upload-too-large", "1 MiB")
    assert sent < 64 * 2**20
    assert list(uploads.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "kind", "named"),
    [
        ({"threshold": "1.5"}, "invalid-request", "threshold='1.5', wanted a number above 0"),
        ({"every": "0"}, "invalid-request", "every='0'"),
        ({"treshold": "0.5"}, "invalid-request", "Got treshold="),
        ({"start_s": "100"}, "empty-selection", "100"),
    ],
)
def test_wrong_options_are_told(
    url: str, clip: Path, options: dict[str, str], kind: str, named: str
) -> None:
    problem = assert_problem(post(url, clip, None, **options), 422, kind, named)
    assert ("faults" in problem) == (kind == "invalid-request")


def test_an_option_in_the_query_is_refused_not_ignored(url: str, clip: Path) -> None:
    answer = httpx.post(f"{url}/segment?threshold=0.3", files={"file": clip.read_bytes()})
    assert_problem(answer, 422, "invalid-request", "threshold='0.3', wanted options in the body")


def test_a_bare_body_is_refused(url: str, clip: Path) -> None:
    headers = {"Content-Type": "video/mp4"}
    answer = httpx.post(f"{url}/segment", content=clip.read_bytes(), headers=headers)
    problem = assert_problem(answer, 415, "unsupported-media-type", "video/mp4")
    assert "multipart/form-data" in problem["detail"]
    assert "application/json" in problem["detail"]


def test_a_client_that_leaves_in_the_upload_leaves_nothing(url: str, uploads: FakeUploads) -> None:
    head = (
        b"POST /segment HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n"
        b"Content-Type: multipart/form-data; boundary=cut\r\n\r\n"
        b'--cut\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    )
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(head + bytes(3 * 2**20))
        wait_until(lambda: list(uploads.folder.iterdir()) != [])
    wait_until(lambda: list(uploads.folder.iterdir()) == [])
    assert httpx.get(f"{url}/livez").status_code == 200


def test_a_client_that_leaves_while_waiting_leaves_the_job(
    url: str, clip: Path, queue: FakeQueue
) -> None:
    queue.outcome = JobState.RUNNING
    address = urlsplit(url)
    request = httpx.Request("POST", url, files={"file": clip.read_bytes()})
    connection = http.client.HTTPConnection(str(address.hostname), address.port)
    headers = {**request.headers, "Prefer": "wait=60"}
    connection.request("POST", "/segment", request.read(), headers)
    wait_until(lambda: queue.jobs != {})
    connection.close()
    assert [job.state for job in queue.jobs.values()] == [JobState.RUNNING]


def wait_until(condition: Any) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_scan_that_takes_too_long_is_killed(serve: Serve, tmp_path: Path) -> None:
    long = write_clip(tmp_path / "long.mp4", frame_count=100)
    answer = post(serve(Settings(scan_timeout_s=1e-6)), long)
    assert_problem(answer, 422, "decoder-failed", "1e-06 s")


def post_url(url: str, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", **headers}
    return httpx.post(f"{url}/segment", content=content, headers=sent, timeout=30)


@pytest.fixture
def elsewhere(clip: Path) -> Iterator[RawServer]:
    """A server that has the clip."""
    content = clip.read_bytes()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(content)}\r\n\r\n"
    server = RawServer(head.encode() + content)
    yield server
    server.close()


def test_a_video_may_be_named_in_place_of_sent(
    serve: Serve, elsewhere: RawServer, queue: FakeQueue, uploads: FakeUploads
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
    assert list(uploads.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("body", "status", "kind", "named"),
    [
        (b"", 400, "malformed-body", "isn't valid JSON"),
        (b"{", 400, "malformed-body", "isn't valid JSON"),
        (b"[" * 60_000, 400, "malformed-body", "isn't valid JSON"),
        (b'{"url": "\xff"}', 400, "malformed-body", "isn't valid JSON"),
        (b'{"url": "x", "\\ud800": 1}', 400, "malformed-body", "isn't valid JSON"),
        (b"[]", 400, "malformed-body", "wanted a JSON object"),
        (b"null", 400, "malformed-body", "wanted a JSON object"),
        (bytes(2**17), 413, "upload-too-large", "more than 65536 bytes"),
        ({}, 422, "invalid-request", "Got no url"),
        ({"url": 1}, 422, "invalid-request", "Got url='1'"),
        (b'{"url": "https://a.org", "url": "https://b.org"}', 422, "invalid-request", "twice"),
        ({"url": "https://a.org", "every": "2"}, 422, "invalid-request", "Got every='2'"),
        ({"url": "https://a.org", "every": True}, 422, "invalid-request", "Got every='true'"),
        ({"url": "https://a.org", "every": None}, 422, "invalid-request", "Got every='null'"),
        (b'{"url": "https://a.org", "threshold": NaN}', 422, "invalid-request", "='NaN'"),
        ({"url": "https://a.org", "color": [1]}, 422, "invalid-request", "Got color='[1]'"),
        ({"url": "https://a.org", "start_s": 2, "end_s": 1}, 422, "invalid-request", "end_s='1'"),
        ({"url": "clip.mp4"}, 422, "bad-url", "clip.mp4"),
        ({"url": "file:///etc/passwd"}, 422, "bad-url", "file:///etc/passwd"),
        ({"url": "http://example.org/a.mp4"}, 422, "bad-url", "wanted https"),
        ({"url": "https://name.invalid/a.mp4"}, 422, "url-unreachable", "name.invalid"),
    ],
)
def test_a_wrong_body_of_json_is_told(
    url: str, body: Any, status: int, kind: str, named: str
) -> None:
    problem = assert_problem(post_url(url, body), status, kind, named)
    assert problem["detail"].startswith("Got ")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"])
def test_a_video_on_this_machine_is_not_fetched(url: str, elsewhere: RawServer, host: str) -> None:
    answer = post_url(url, {"url": f"https://{host}:{elsewhere.port}/a.mp4"})
    assert_problem(answer, 422, "bad-url", "isn't a public address")
    assert elsewhere.connections == 0


def test_what_is_fetched_and_is_no_video_leaves_nothing(
    serve: Serve, uploads: FakeUploads, queue: FakeQueue
) -> None:
    url = serve(Settings(outbound_allow=("127.0.0.1",)))
    server = RawServer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    body = {"url": f"http://127.0.0.1:{server.port}/a.mp4"}
    assert_problem(post_url(url, body), 422, "not-a-video", "Got ")
    server.close()
    assert_problem(post_url(url, body), 422, "url-unreachable", f"port {server.port}")
    assert queue.jobs == {}
    assert list(uploads.folder.iterdir()) == []


def test_a_client_that_leaves_in_the_download_leaves_nothing(
    serve: Serve, uploads: FakeUploads, queue: FakeQueue
) -> None:
    url = serve(Settings(outbound_allow=("127.0.0.1",)))
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n"
    server = RawServer(head + bytes(9999), every_s=0.01)
    address = urlsplit(url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port)
    body = json.dumps({"url": f"http://127.0.0.1:{server.port}/a.mp4"})
    connection.request("POST", "/segment", body, {"Content-Type": "application/json"})
    wait_until(lambda: list(uploads.folder.iterdir()) != [])
    connection.close()
    wait_until(lambda: list(uploads.folder.iterdir()) == [])
    assert queue.jobs == {}
    server.close()
