"""Errors: each has its place in the table, its address and its documentation."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import anyio
import httpx
import pytest
from fastapi import FastAPI, HTTPException

import jobs.errors
import pipeline.errors
import service.errors
from jobs.values import Job
from pipeline.errors import ModelError, PipelineError, ProviderError, VideoError
from service.errors import ALL_KINDS, KINDS
from service.middleware import Access
from service.problems import add_problem_handlers
from service.settings import Settings
from service.watch import Stopping
from tests.service.conftest import serving
from tests.service.staging import FaultyStore, StagedQueue

BASES = {jobs.errors.JobError, service.errors.ServiceError, PipelineError, VideoError}
AT_START = {
    ModelError,
    ProviderError,
    jobs.errors.StoreRefuses,
    jobs.errors.SchemaTooNew,
}
IN_COMMANDS = {jobs.errors.BadKeyName, jobs.errors.KeyExists, jobs.errors.KeyNotFound}


def leaves() -> Iterator[type[Exception]]:
    for module in (pipeline.errors, jobs.errors, service.errors):
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Exception):
                yield value


def test_every_error_that_a_request_can_meet_has_its_own_status() -> None:
    missing = {error for error in leaves() if error not in KINDS} - BASES
    missing -= AT_START | IN_COMMANDS
    assert missing == set()
    assert len({kind.slug for kind in ALL_KINDS}) == len(ALL_KINDS)


def test_the_type_of_a_problem_is_an_address_that_explains_it(url: str) -> None:
    problem = httpx.get(f"{url}/nowhere").json()
    assert problem["type"] == "/problems/not-found"
    explained = httpx.get(url + problem["type"]).json()
    assert explained["title"] == problem["title"]
    assert explained["status"] == 404
    unknown = httpx.get(f"{url}/problems/none")
    assert unknown.status_code == 404
    assert "not-a-video" in unknown.json()["detail"]


def test_a_wrong_method_is_told_the_right_one(url: str) -> None:
    answer = httpx.get(f"{url}/segment")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == "/segment has no GET, only POST."


@pytest.mark.parametrize("status", [403, 404])
def test_an_http_error_keeps_its_status_words_and_headers(status: int) -> None:
    app = FastAPI()
    add_problem_handlers(app)
    app.add_middleware(Access, stopping=Stopping())

    @app.get("/closed")
    def closed() -> None:
        raise HTTPException(status, "On Sundays.", {"X-Day": "Sunday"})

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            return await client.get("/closed")

    answer = anyio.run(ask)
    assert (answer.status_code, answer.headers["X-Day"]) == (status, "Sunday")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.json()["type"], answer.json()["detail"]) == ("about:blank", "On Sundays.")


@pytest.mark.parametrize(
    ("given", "kept"),
    [("abc-1.2_3", True), ("two words", False), ("x" * 65, False), ('a"b', False)],
)
def test_a_request_id_is_kept_if_it_is_fit_for_a_log(url: str, given: str, kept: bool) -> None:
    answer = httpx.get(f"{url}/nowhere", headers={"X-Request-ID": given})
    assert (answer.headers["X-Request-ID"] == given) == kept
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


class FailingQueue(StagedQueue):
    """Has a fault of its own."""

    def get(self, job_id: str) -> Job:
        raise RuntimeError(f"secret of {job_id}")


def test_a_fault_of_ours_tells_nothing_but_where_to_look(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(FailingQueue(tmp_path)) as queue, serving(Settings(), queue) as url:
        answer = httpx.get(f"{url}/jobs/7")
        assert httpx.get(f"{url}/livez").status_code == 200
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/internal-error"
    assert "secret" not in answer.text
    logged = [record for record in caplog.records if record.message == "request failed"]
    assert vars(logged[0])["request_id"] == answer.json()["request_id"]
    assert "secret of 7" in caplog.text


def test_readiness_follows_the_workers_the_store_and_the_database(
    url: str, queue: StagedQueue, store: FaultyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = httpx.get(f"{url}/readyz")
    assert ready.status_code == 200
    assert ready.json()["workers"][0]["provider"] == "CPUExecutionProvider"
    with monkeypatch.context() as patch:
        patch.setattr(store, "away", True)
        away = httpx.get(f"{url}/readyz")
    assert (away.status_code, away.headers["Retry-After"]) == (503, "1")
    assert "store of the jobs' files doesn't answer" in away.json()["detail"]
    queue.set_workers()
    answer = httpx.get(f"{url}/readyz")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert answer.json()["detail"] == "No worker is alive; 0 jobs wait for one."
    queue.broken = True
    broken = httpx.get(f"{url}/readyz")
    assert broken.status_code == 503
    assert "no route" not in broken.text
    assert httpx.get(f"{url}/livez").status_code == 200


def test_a_database_that_is_away_is_a_problem_that_passes(url: str, queue: StagedQueue) -> None:
    queue.broken = True
    answer = httpx.get(f"{url}/jobs/{'0' * 32}")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["type"] == "/problems/database-away"
    assert "no route" not in answer.text
