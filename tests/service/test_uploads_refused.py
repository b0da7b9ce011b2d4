"""POST /segment: everything that can be wrong with an upload."""

import http.client
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from jobs.values import JobState
from service.settings import Settings
from tests.service.conftest import Serve, write_clip
from tests.service.posting import assert_problem, post, wait_until
from tests.service.staging import FaultyStore, StagedQueue


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
    url: str, clip: Path, sound: Path, store: FaultyStore, canary: tuple[str, list[str]]
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
        assert str(store.root) not in answer.text
    assert post(url, clip).status_code == 200
    assert seen == []
    assert list(store.uploads.iterdir()) == []


@pytest.mark.parametrize(
    ("limits", "named"),
    [({"max_pixels": 1000}, "1000"), ({"max_frames": 5}, "5"), ({"max_duration_s": 0.1}, "0.1")],
)
def test_a_video_past_a_limit_is_told_which(
    serve: Serve, clip: Path, limits: dict[str, Any], named: str
) -> None:
    assert_problem(post(serve(Settings(**limits)), clip), 413, "video-too-large", named)


def test_a_file_past_the_limit_in_bytes_is_refused_while_it_is_sent(
    serve: Serve, store: FaultyStore
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
    assert list(store.uploads.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "kind", "named"),
    [
        ({"threshold": "1.5"}, "invalid-request", "threshold must be less than 1, got 1.5"),
        ({"every": "0"}, "invalid-request", "every must be"),
        ({"treshold": "0.5"}, "invalid-request", "'treshold' is not one of file, threshold"),
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
    assert_problem(answer, 422, "invalid-request", "threshold must be given in the body, got 0.3")


def test_a_bare_body_that_may_be_anything_is_refused(url: str, clip: Path) -> None:
    headers = {"Content-Type": "application/octet-stream"}
    answer = httpx.post(f"{url}/segment", content=clip.read_bytes(), headers=headers)
    problem = assert_problem(answer, 415, "unsupported-media-type", "octet-stream")
    assert "multipart/form-data" in problem["detail"]
    assert "application/json" in problem["detail"]
    assert "video/*" in problem["detail"]


def test_a_client_that_leaves_in_the_upload_leaves_nothing(url: str, store: FaultyStore) -> None:
    head = (
        b"POST /segment HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n"
        b"Content-Type: multipart/form-data; boundary=cut\r\n\r\n"
        b'--cut\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    )
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(head + bytes(3 * 2**20))
        wait_until(lambda: list(store.uploads.iterdir()) != [])
    wait_until(lambda: list(store.uploads.iterdir()) == [])
    assert httpx.get(f"{url}/livez").status_code == 200


def test_a_client_that_leaves_while_waiting_leaves_the_job(
    url: str, clip: Path, queue: StagedQueue
) -> None:
    queue.outcome = JobState.RUNNING
    address = urlsplit(url)
    request = httpx.Request("POST", url, files={"file": clip.read_bytes()})
    connection = http.client.HTTPConnection(str(address.hostname), address.port)
    headers = {**request.headers, "Prefer": "wait=60"}
    connection.request("POST", "/segment", request.read(), headers)
    wait_until(lambda: [job.state for job in queue.jobs.values()] == [JobState.RUNNING])
    connection.close()
    assert httpx.get(f"{url}/livez").status_code == 200
    assert [job.state for job in queue.jobs.values()] == [JobState.RUNNING]


def test_a_scan_that_takes_too_long_is_killed(serve: Serve, tmp_path: Path) -> None:
    long = write_clip(tmp_path / "long.mp4", frame_count=100)
    answer = post(serve(Settings(scan_timeout_s=1e-6)), long)
    assert_problem(answer, 422, "decoder-failed", "1e-06 s")
