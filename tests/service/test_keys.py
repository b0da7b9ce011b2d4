"""API keys over HTTP: who gets in, who sees what, how often, and where none are needed."""

import argparse
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from jobs.database import embedded_url, open_database
from jobs.engine import JobQueue
from jobs.folder_store import FolderStore
from jobs.keys import KeyRing
from jobs.values import Key
from pipeline.media.sandbox import Sandbox
from service.command import add_key_arguments, run_keys
from service.dependencies import RateLimiter
from service.errors import TooManyRequests
from service.server import listen
from service.settings import Settings, SettingsError
from tests.service.conftest import serving
from tests.service.posting import assert_problem
from tests.service.staging import NOON


@dataclass(frozen=True)
class Guarded:
    """A service on a true database, without workers."""

    url: str
    ring: KeyRing

    def client(self, key: str | None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    queue = JobQueue(embedded_url(tmp_path), FolderStore(tmp_path), poll_s=0)
    with serving(Settings(wait_s=0), queue) as url:
        yield Guarded(url, queue.keys)
    queue.close()


def post(client: httpx.Client, clip: Path) -> httpx.Response:
    return client.post("/segment", files={"file": clip.read_bytes()})


def test_without_keys_everybody_is_served_until_there_is_one(guarded: Guarded, clip: Path) -> None:
    with guarded.client(None) as anybody:
        assert post(anybody, clip).status_code == 202
        key = guarded.ring.create("ada")
        answer = post(anybody, clip)
        assert_problem(answer, 401, "unauthorized", "An API key is needed")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    with guarded.client(key) as ada:
        assert ada.get("/jobs").json()["jobs"] == []
        assert post(ada, clip).status_code == 202


def test_jobs_are_seen_by_their_owner_only(guarded: Guarded, clip: Path) -> None:
    with (
        guarded.client(guarded.ring.create("ada")) as ada,
        guarded.client(guarded.ring.create("bob")) as bob,
    ):
        job = post(ada, clip).headers["Location"]
        assert ada.get(job).json()["state"] == "queued"
        assert [each["id"] for each in ada.get("/jobs").json()["jobs"]] == [job.split("/")[-1]]
        assert bob.get("/jobs").json()["jobs"] == []
        for answer in (
            bob.get(job),
            bob.delete(job),
            bob.get(f"{job}/result"),
            bob.get(f"{job}/events"),
            bob.get(f"{job}/files/coco.json"),
            bob.get(f"{job}/result", headers={"Accept": "application/x-ndjson"}),
        ):
            assert_problem(answer, 404, "job-not-found", job.split("/")[-1])
        assert ada.get(job).json()["state"] == "queued"


def test_wrong_and_revoked_keys_are_refused(guarded: Guarded) -> None:
    key = guarded.ring.create("ada")
    for wrong in (key[:-1] + ("A" if key[-1] != "A" else "B"), "x", key + "x"):
        with guarded.client(wrong) as client:
            assert_problem(client.get("/jobs"), 401, "key-unknown", "is not one of ours")
    basic = httpx.get(f"{guarded.url}/jobs", auth=("ada", key))
    assert_problem(basic, 401, "unauthorized", "Authorization: Bearer KEY")
    guarded.ring.revoke("ada")
    with guarded.client(key) as client:
        assert_problem(client.get("/jobs"), 403, "key-revoked", "'ada'")


def test_health_and_documents_need_no_key(guarded: Guarded) -> None:
    guarded.ring.create("ada")
    with guarded.client(None) as anybody:
        assert anybody.get("/livez").status_code == 200
        assert anybody.get("/version").status_code == 200
        assert anybody.get("/readyz").status_code == 503  # there is no worker
        assert anybody.get("/problems/unauthorized").json()["status"] == 401
        document = anybody.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    for path, methods in document["paths"].items():
        open_to_all = path in {
            "/livez",
            "/readyz",
            "/version",
            "/models",
            "/models/default",
            "/problems/{slug}",
        }
        for operation in methods.values():
            assert ("security" in operation) != open_to_all
            assert ("401" in operation["responses"]) != open_to_all


def test_a_key_has_so_many_jobs_at_a_time(guarded: Guarded, clip: Path) -> None:
    with guarded.client(guarded.ring.create("ada", max_jobs=1)) as ada:
        job = post(ada, clip).headers["Location"]
        answer = post(ada, clip)
        assert_problem(answer, 429, "too-many-jobs", "may have 1 unfinished jobs, and has 1")
        assert answer.headers["Retry-After"] == "5"
        assert ada.delete(job).status_code == 204
        assert post(ada, clip).status_code == 202


def test_a_key_sends_so_many_requests(guarded: Guarded) -> None:
    with (
        guarded.client(guarded.ring.create("ada", requests_per_minute=2)) as ada,
        guarded.client(guarded.ring.create("bob")) as bob,
    ):
        for left in ("1", "0"):
            answer = ada.get("/jobs")
            assert answer.status_code == 200
            assert answer.headers["X-RateLimit-Limit"] == "2"
            assert answer.headers["X-RateLimit-Remaining"] == left
            assert 0 < int(answer.headers["X-RateLimit-Reset"]) - time.time() < 61
        answer = ada.get("/jobs")
        assert_problem(answer, 429, "too-many-requests", "requests a minute")
        assert 0 < int(answer.headers["Retry-After"]) <= 30
        assert answer.headers["X-RateLimit-Remaining"] == "0"
        assert "X-RateLimit-Limit" not in bob.get("/jobs").raise_for_status().headers


def test_requests_come_back_with_time() -> None:
    key = Key(name="ada", max_jobs=None, requests_per_minute=60, created_at=NOON, revoked_at=None)
    rates = RateLimiter()
    for _ in range(60):
        rates.take(key, 100.0)
    with pytest.raises(TooManyRequests) as refused:
        rates.take(key, 100.4)
    assert refused.value.retry_after_s == 1
    rates.take(key, 101.0)
    with pytest.raises(TooManyRequests):
        rates.take(key, 101.0)
    for _ in range(60):  # never more than a minute's, however long it was still
        rates.take(key, 10_000.0)
    with pytest.raises(TooManyRequests):
        rates.take(key, 10_000.0)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_other_addresses_than_loopback_need_keys(host: str, tmp_path: Path) -> None:
    settings = Settings(host=host, port=1, data_dir=tmp_path)
    refused = pytest.raises(SettingsError, match=rf"ROTOGRAPH_HOST must .* got {host}\. Make a key")
    with closing(Sandbox()) as sandbox, refused:
        listen(settings, sandbox)


def command(folder: Path, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add_key_arguments(parser)
    return run_keys(Settings(data_dir=folder), parser.parse_args(arguments))


def test_keys_are_made_listed_and_revoked_by_a_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(tmp_path, "create", "ada", "--max-jobs", "2") == 0
    (text,) = capsys.readouterr().out.splitlines()
    engine = open_database(embedded_url(tmp_path))
    assert KeyRing(engine).find(text).max_jobs == 2
    engine.dispose()
    assert command(tmp_path, "create", "ada") == 1
    assert "A key has or had the name 'ada'" in capsys.readouterr().err
    assert command(tmp_path, "revoke", "ada") == 0
    assert command(tmp_path, "list") == 0
    listed = capsys.readouterr().out
    assert listed.split()[:2] == ["ada", "revoked"]
    assert text not in listed
    with pytest.raises(SystemExit):
        command(tmp_path, "create", "bob", "--max-jobs", "0")
