"""Metrics for Prometheus: what is counted, under how few names, and who may see them."""

import os
import secrets
import socket
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from jobs.database import embedded_url
from jobs.engine import JobQueue
from jobs.folder_store import FolderStore
from jobs.values import Job, JobFailure, JobState
from service.settings import Settings, SettingsError, load_settings
from service.supervisor import REFUSED
from tests.raw_server import RawServer
from tests.service.conftest import Serve, serving
from tests.service.posting import assert_problem
from tests.service.staging import StagedQueue
from tests.service.test_jobs import add

QUEUED, RUNNING = JobState.QUEUED, JobState.RUNNING
TOKEN = "0123456789abcdef"

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(text: str) -> Series:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scrape(url: str) -> Series:
    answer = httpx.get(f"{url}/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return read(answer.text)


def value(series: Series, name: str, **labels: str) -> float:
    return series.get((name, frozenset(labels.items())), 0)


def requests(series: Series, route: str, method: str, status: str) -> float:
    name = "rotograph_request_duration_seconds_count"
    return value(series, name, route=route, method=method, status=status)


def test_requests_are_counted_under_their_routes(url: str, queue: StagedQueue, clip: Path) -> None:
    before = scrape(url)
    job = add(queue, JobState.SUCCEEDED)
    for _ in range(3):
        httpx.get(f"{url}/jobs/{job.id}")
    httpx.delete(f"{url}/jobs/{'0' * 32}")
    upload = clip.read_bytes()
    assert httpx.post(f"{url}/segment", files={"file": upload}, timeout=30).status_code == 200
    after = scrape(url)

    def more(route: str, method: str, status: str) -> float:
        return requests(after, route, method, status) - requests(before, route, method, status)

    assert more("/jobs/{job_id}", "GET", "200") == 3
    assert more("/jobs/{job_id}", "DELETE", "404") == 1
    assert more("/segment", "POST", "200") == 1
    assert more("/metrics", "GET", "200") == 1  # that of `before`
    sent = "rotograph_upload_bytes_total"
    assert 0 <= value(after, sent) - value(before, sent) - len(upload) < 1000
    assert value(after, "rotograph_requests_in_progress") == 1  # the scrape itself


def test_problems_are_counted_by_type(url: str, queue: StagedQueue, clip: Path) -> None:
    before = scrape(url)
    httpx.get(f"{url}/jobs/{'0' * 32}")
    httpx.get(f"{url}/nowhere")
    queue.outcome, queue.failure = JobState.FAILED, JobFailure("BrokenVideo", "Bad.")
    httpx.post(f"{url}/segment", files={"file": clip.read_bytes()}, timeout=30)
    after = scrape(url)
    name = "rotograph_problems_total"
    grown = {
        dict(labels)["type"]
        for (each, labels), count in after.items()
        if each == name and count > before[each, labels]
    }
    assert grown == {"job-not-found", "not-found", "broken-video"}


def test_jobs_that_clients_cancel_are_counted_once(url: str, queue: StagedQueue) -> None:
    before = scrape(url)
    canceled, deleted, over = (add(queue, s) for s in (RUNNING, QUEUED, JobState.SUCCEEDED))
    for _ in range(2):
        assert httpx.post(f"{url}/jobs/{canceled.id}/cancel").status_code == 200
    assert httpx.post(f"{url}/jobs/{over.id}/cancel").status_code == 200
    assert httpx.delete(f"{url}/jobs/{deleted.id}").status_code == 204
    assert httpx.delete(f"{url}/jobs/{deleted.id}").status_code == 404
    name = "rotograph_jobs_ended_total"
    assert value(scrape(url), name, state="canceled") - value(before, name, state="canceled") == 2


def test_bytes_of_videos_that_are_fetched_are_counted(serve: Serve, clip: Path) -> None:
    content = clip.read_bytes()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content)
    server = RawServer(head + content)
    url = serve(Settings(outbound_allow=("127.0.0.1",)))
    video = f"http://127.0.0.1:{server.port}/dog.mp4"
    assert httpx.post(f"{url}/segment", json={"url": video}, timeout=30).status_code == 200
    server.close()
    series = scrape(url)
    assert value(series, "rotograph_download_bytes_total") == len(content)
    assert value(series, "rotograph_upload_bytes_total") < 100


def test_faults_of_ours_are_counted(tmp_path: Path) -> None:
    class FailingQueue(StagedQueue):
        def get(self, job_id: str) -> Job:
            raise RuntimeError(f"out of order: {job_id}")

    with closing(FailingQueue(tmp_path)) as queue, serving(Settings(), queue) as url:
        assert httpx.get(f"{url}/jobs/1").status_code == 500
        series = scrape(url)
    assert requests(series, "/jobs/{job_id}", "GET", "500") == 1
    assert value(series, "rotograph_problems_total", type="internal-error") == 1


def test_clients_can_t_make_new_series(serve: Serve, queue: StagedQueue) -> None:
    url = serve(Settings())

    def ask(method: str, path: str) -> None:
        httpx.request(method, f"{url}{path}", headers={"X-Request-ID": secrets.token_hex(8)})

    def send_all() -> set[str]:
        for _ in range(3):
            made_up = secrets.token_hex(16)
            job = add(queue, JobState.SUCCEEDED).id
            for path in (f"/{made_up}", f"/jobs/{made_up}", f"/jobs/{job}", f"/jobs?cursor={job}"):
                ask("GET", path)
                ask(made_up[:20].upper(), path)
        text = httpx.get(f"{url}/metrics").text
        assert job not in text
        assert made_up not in text
        return {str(sorted(labels)) + name for name, labels in read(text)}

    send_all()  # the first look at the metrics is not among them
    known = send_all()
    assert send_all() == known
    assert len(known) < 600


def test_how_the_queue_and_the_workers_stand(url: str, queue: StagedQueue) -> None:
    assert value(scrape(url), "rotograph_oldest_queued_job_seconds") == 0
    for state in (JobState.QUEUED, JobState.QUEUED, JobState.RUNNING, JobState.FAILED):
        job = add(queue, state)
        queue.change(job.id, created_at=datetime.now(UTC) - timedelta(hours=1))
    series = scrape(url)
    assert value(series, "rotograph_jobs", state="queued") == 2
    assert value(series, "rotograph_jobs", state="running") == 1
    assert 3600 <= value(series, "rotograph_oldest_queued_job_seconds") < 3900
    assert value(series, "rotograph_workers") == 1
    runs = {
        "device": "cpu",
        "provider": "CPUExecutionProvider",
        "model": "small",
        "model_version": "1",
    }
    assert value(series, "rotograph_workers_by_model", **runs) == 1
    queue.set_workers()
    assert ("rotograph_workers", frozenset[tuple[str, str]]()) in scrape(url)
    assert value(scrape(url), "rotograph_workers") == 0


def test_a_database_that_is_away_leaves_the_other_metrics(url: str, queue: StagedQueue) -> None:
    assert value(scrape(url), "rotograph_database_up") == 1
    queue.broken = True
    series = scrape(url)
    assert series["rotograph_database_up", frozenset()] == 0
    assert ("rotograph_workers", frozenset[tuple[str, str]]()) not in series
    assert value(series, "process_open_fds") > 0


def test_with_a_token_only_its_holder_sees_the_metrics(serve: Serve) -> None:
    url = serve(Settings(metrics_token=SecretStr(TOKEN)))
    answer = httpx.get(f"{url}/metrics")
    assert_problem(
        answer,
        401,
        "metrics-closed",
        "ROTOGRAPH_METRICS_TOKEN is needed",
    )
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    for wrong in (TOKEN[:-1], TOKEN + "0", "ä"):
        sent = [(b"Authorization", f"Bearer {wrong}".encode())]
        answer = httpx.get(f"{url}/metrics", headers=sent)
        assert_problem(answer, 401, "metrics-closed", "got another one")
    right = httpx.get(f"{url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert right.status_code == 200


def test_where_there_are_keys_none_of_them_opens_the_metrics(tmp_path: Path, clip: Path) -> None:
    queue = JobQueue(embedded_url(tmp_path), FolderStore(tmp_path), poll_s=0)
    token = {"Authorization": f"Bearer {TOKEN}"}
    with serving(Settings(), queue) as url:
        assert value(scrape(url), "rotograph_database_up") == 1
        ada = {"Authorization": f"Bearer {queue.keys.create('ada')}"}
        for headers in ({}, ada, token):
            answer = httpx.get(f"{url}/metrics", headers=headers)
            assert_problem(answer, 401, "metrics-closed", "_METRICS_TOKEN must be set")
    settings = Settings(metrics_token=SecretStr(TOKEN), wait_s=0)
    with serving(settings, queue) as url:
        files = {"file": clip.read_bytes()}
        assert httpx.post(f"{url}/segment", files=files, headers=ada).status_code == 202
        assert httpx.get(f"{url}/metrics", headers=ada).status_code == 401
        text = httpx.get(f"{url}/metrics", headers=token).text
        assert value(read(text), "rotograph_jobs", state="queued") == 1
        assert "ada" not in text
    queue.close()


@pytest.mark.parametrize("address", ["9100", "127.0.0.1", "127.0.0.1:", ":9100", "a b:1", "::1:9"])
def test_a_wrong_address_for_metrics_is_named(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("ROTOGRAPH_WORKER_METRICS", address)
    with pytest.raises(SettingsError, match=f"ROTOGRAPH_WORKER_METRICS must .*, got '{address}'"):
        load_settings()


def test_addresses_for_metrics() -> None:
    assert Settings().worker_metrics_address is None
    assert Settings(worker_metrics="[::1]:9100").worker_metrics_address == ("::1", 9100)
    assert Settings(worker_metrics="0.0.0.0:1").worker_metrics_address == ("0.0.0.0", 1)


def test_a_token_is_long_and_isn_t_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROTOGRAPH_METRICS_TOKEN", "guess-me")
    with pytest.raises(SettingsError, match=r"METRICS_TOKEN must .*, got \(a secret\)") as raised:
        load_settings()
    assert "guess-me" not in str(raised.value)


def test_a_worker_refuses_a_taken_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        worker = subprocess.run(
            [sys.executable, "-m", "service", "worker"],
            env=os.environ | {"ROTOGRAPH_WORKER_METRICS": address},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert worker.returncode == REFUSED
    assert f"ROTOGRAPH_WORKER_METRICS must be a free address, got {address}" in worker.stderr
