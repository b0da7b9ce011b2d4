"""The API is told to stop while clients wait, listen and upload; and is restarted under load."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.service.conftest import write_clip
from tests.service.processes import free_port
from tests.tiny_model import write_model

PROBLEM = "application/problem+json"
DRAIN_S = 3.0
CLIENTS = 6
RESTARTS = 2


class Api:
    """`python -m service api`, started and stopped again on the same port and data."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = os.environ | {
            "ROTOGRAPH_PORT": str(self.port),
            "ROTOGRAPH_DATA_DIR": str(folder / "data"),
            "ROTOGRAPH_MODEL": str(write_model(folder / "tiny.onnx")),
            "ROTOGRAPH_DEVICE": "cpu",
            "ROTOGRAPH_THREADS": "1",
            "ROTOGRAPH_DRAIN_S": str(DRAIN_S),
        }
        self.log = folder / "log"
        self._processes: list[subprocess.Popen[bytes]] = []

    def run(self, part: str) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as errors:
            command = [sys.executable, "-m", "service", part]
            process = subprocess.Popen(command, env=self.settings, stderr=errors)
        self._processes.append(process)
        return process

    def start(self) -> "subprocess.Popen[bytes]":
        """Start the API, and wait until it answers."""
        process = self.run("api")
        deadline = time.monotonic() + 120
        while True:
            assert process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            with suppress(httpx.TransportError):
                httpx.get(f"{self.url}/livez", timeout=10)
                return process
            time.sleep(0.1)

    def post(self, content: bytes, wait_s: int) -> httpx.Response:
        return httpx.post(
            f"{self.url}/segment",
            files={"file": ("square.mp4", content)},
            headers={"Prefer": f"wait={wait_s}"},
            timeout=90,
        )

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with closing(Api(tmp_path)) as api:
        yield api


@contextmanager
def in_threads(count: int) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(count) as threads:
        yield threads


def seconds_since(started: float) -> float:
    return time.monotonic() - started


def test_who_waits_is_answered_at_once_and_streams_end(api: Api, clip: Path) -> None:
    process = api.start()
    job = api.post(clip.read_bytes(), wait_s=0).headers["Location"]
    with in_threads(3) as threads:
        waiting = threads.submit(api.post, clip.read_bytes(), 60)
        events = threads.submit(httpx.get, f"{job}/events", timeout=90)
        lines = threads.submit(httpx.get, f"{job}/result?format=ndjson", timeout=90)
        while len(httpx.get(f"{api.url}/jobs").json()["jobs"]) < 2:
            time.sleep(0.1)
        time.sleep(1)  # for both streams to begin
        process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        answer = waiting.result()
        assert (answer.status_code, seconds_since(started) < DRAIN_S) == (202, True)
        assert answer.headers["Connection"] == "close"
        ready = httpx.get(f"{api.url}/readyz")
        assert (ready.status_code, ready.headers["Content-Type"]) == (503, PROBLEM)
        assert "about to stop" in ready.json()["detail"]
        late = api.post(clip.read_bytes(), wait_s=60)
        assert late.status_code == 202
        assert events.result().text.endswith(": the service stops: connect again\nretry: 1000\n\n")
        last = json.loads(lines.result().text.splitlines()[-1])
        assert (last["problem"]["status"], last["problem"]["job_id"]) == (503, job.split("/")[-1])
        assert seconds_since(started) < DRAIN_S
    process.wait(timeout=60)
    api.start()
    for posted in (answer, late):
        assert httpx.get(posted.headers["Location"]).json()["state"] == "queued"


def test_an_upload_that_outlasts_the_server_gets_a_problem(api: Api) -> None:
    process = api.start()
    with socket.create_connection(("127.0.0.1", api.port), timeout=60) as client:
        client.sendall(
            b"POST /segment HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
        )
        process.send_signal(signal.SIGTERM)
        answer = b""
        while block := client.recv(2**16):
            answer += block
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1" in head.lower()
    assert json.loads(body)["type"] == "/problems/not-ready"


def test_a_second_signal_stops_it_at_once(api: Api) -> None:
    api.settings["ROTOGRAPH_DRAIN_S"] = "90"
    process = api.start()
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)


class Load:
    """Clients that post and follow one job after another, and go on where a connection breaks."""

    def __init__(self, api: Api, clip: bytes) -> None:
        self._api = api
        self._clip = clip
        self.over = threading.Event()
        self.odd: list[str] = []

    def run(self, number: int) -> list[str]:
        """Return the addresses of the jobs that succeeded."""
        succeeded = []
        while not self.over.is_set():
            location = self._post(number)
            while self._get(location, "").json()["state"] not in {"succeeded", "failed"}:
                # Each in its own way: by events, by lines or by looking again.
                self._get(location, ["/events", "/result?format=ndjson", ""][number % 3])
                time.sleep(0.2)
            succeeded.append(location)
        return succeeded

    def _post(self, number: int) -> str:
        headers = {
            "Prefer": f"wait={number % 3 * 20}",
            "Idempotency-Key": uuid4().hex,
            "Cache-Control": "no-cache",
        }
        while True:
            with suppress(httpx.TransportError):
                answer = httpx.post(
                    f"{self._api.url}/segment",
                    files={"file": ("square.mp4", self._clip)},
                    headers=headers,
                    timeout=90,
                )
                if self._expected(answer):
                    return answer.headers["Location"]
            time.sleep(0.2)

    def _get(self, location: str, rest: str) -> httpx.Response:
        while True:
            with suppress(httpx.TransportError):
                answer = httpx.get(f"{location}{rest}", timeout=90)
                if self._expected(answer):
                    return answer
            time.sleep(0.2)

    def _expected(self, answer: httpx.Response) -> bool:
        """Say whether an answer is to be used; note one that no client should see."""
        if answer.is_success:
            return True
        if answer.status_code != 503 or answer.headers["Content-Type"] != PROBLEM:
            self.odd.append(f"{answer.request.url}: {answer.status_code} {answer.text}")
        return False


def all_jobs(api: Api) -> Iterator[dict[str, str]]:
    url: str | None = f"{api.url}/jobs?limit=100"
    while url:
        page = httpx.get(url, timeout=30).json()
        yield from page["jobs"]
        url = page["next"]


def test_no_client_loses_a_job_while_the_api_is_restarted(api: Api, tmp_path: Path) -> None:
    content = write_clip(tmp_path / "short.mp4", 4).read_bytes()
    api.run("worker")
    process = api.start()
    load = Load(api, content)
    with in_threads(CLIENTS) as threads:
        clients = [threads.submit(load.run, number) for number in range(CLIENTS)]
        for _ in range(RESTARTS):
            time.sleep(random.uniform(2, 4))
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
            process = api.start()
        time.sleep(2)
        load.over.set()
        succeeded = [location for client in clients for location in client.result()]
    assert load.odd == []
    listed = list(all_jobs(api))
    assert {job["state"] for job in listed} == {"succeeded"}
    assert sorted(f"{api.url}/jobs/{job['id']}" for job in listed) == sorted(succeeded)
    assert len(succeeded) >= CLIENTS
