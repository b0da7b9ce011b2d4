"""The jobs: list, look, result, cancel and delete."""

import json
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from fractions import Fraction
from typing import Any

import httpx
import numpy as np
import pytest

from jobs.values import Job, JobFailure, JobRequest, JobState
from pipeline.values import ScannedVideo, VideoInfo
from service.results import BLOCK_CHARACTERS, json_blocks
from service.settings import Settings
from tests.service.conftest import Serve
from tests.service.posting import assert_problem
from tests.service.staging import NOON, FaultyStore, StagedQueue, line

NDJSON = {"Accept": "application/x-ndjson"}


def add(
    queue: StagedQueue, state: JobState, labels: Mapping[str, str] | None = None, **values: Any
) -> Job:
    """Put a job of 10 frames in the queue."""
    info = VideoInfo(
        width=64,
        height=48,
        frame_count=10,
        fps=Fraction(30000, 1001),
        duration_s=10 * 1001 / 30000,
        rotation=90,
        mirrored=True,
        pixel_aspect=Fraction(4, 3),
        codec="h264",
    )
    timestamps = np.arange(10, dtype=np.int64) * 1001
    video = ScannedVideo(
        info=info,
        timestamps=timestamps,
        time_base=Fraction(1, 30000),
        starts=np.array([0]),
        numbers=None,
        max_pixels=10**6,
    )
    queue.outcome = state
    job_id = queue.store.new_id()
    queue.store.incoming(job_id).write_bytes(bytes(range(100)))
    job = queue.submit(job_id, JobRequest(filename="a.mp4", labels=labels or {}), video)
    return queue.change(job.id, **values) if values else job


def test_a_job_is_shown_as_it_stands(url: str, queue: StagedQueue) -> None:
    done = NOON + timedelta(seconds=2.5)
    job = add(queue, JobState.SUCCEEDED, created_at=NOON, finished_at=done)
    shown = httpx.get(f"{url}/jobs/{job.id}").json()
    assert shown["state"] == "succeeded"
    assert shown["progress"] == {"frames_done": 10, "frames_total": 10}
    assert shown["video"]["fps"] == "30000/1001"
    assert (shown["video"]["rotation"], shown["video"]["mirrored"]) == (90, True)
    assert shown["video"]["pixel_aspect"] == "4/3"
    assert shown["created_at"] == "2026-11-20T12:00:00Z"
    assert shown["finished_at"] == "2026-11-20T12:00:02.500000Z"
    assert shown["result"] == f"{url}/jobs/{job.id}/result"
    assert shown["problem"] is None


def test_a_failed_job_keeps_its_problem(url: str, queue: StagedQueue) -> None:
    job = add(queue, JobState.FAILED, failure=JobFailure("BrokenVideo", "A packet is bad."))
    problem = httpx.get(f"{url}/jobs/{job.id}").json()["problem"]
    assert problem["type"] == "/problems/broken-video"
    assert (problem["status"], problem["detail"]) == (422, "A packet is bad.")
    answer = httpx.get(f"{url}/jobs/{job.id}/result")
    assert_problem(answer, 409, "job-failed", "no result: A packet is bad.")
    assert answer.json()["job_id"] == job.id


@pytest.mark.parametrize("job_id", ["0" * 32, "a", "..%2F..%2Fetc", "%00", "é" * 500])
@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("GET", "/result"), ("DELETE", "")])
def test_an_unknown_job_is_named(url: str, job_id: str, method: str, path: str) -> None:
    answer = httpx.request(method, f"{url}/jobs/{job_id}{path}")
    assert answer.status_code == 404
    assert answer.json()["type"] in {"/problems/job-not-found", "/problems/not-found"}


def test_jobs_are_listed_newest_first_in_pages(url: str, queue: StagedQueue) -> None:
    jobs = [add(queue, JobState.SUCCEEDED).id for _ in range(5)]
    add(queue, JobState.QUEUED)
    found: list[str] = []
    page: str | None = f"{url}/jobs?state=succeeded&limit=2"
    while page is not None:
        body = httpx.get(page).json()
        assert len(body["jobs"]) <= 2
        found += [job["id"] for job in body["jobs"]]
        page = body["next"]
    assert found == jobs[::-1]
    assert len(httpx.get(f"{url}/jobs").json()["jobs"]) == 6


@pytest.mark.parametrize(
    ("query", "kind", "named"),
    [
        ("limit=0", "invalid-request", "limit must be greater than or equal to 1, got 0"),
        ("limit=101", "invalid-request", "limit must be less than or equal to 100, got 101"),
        ("limit=many", "invalid-request", "limit must be a valid integer, got many"),
        ("state=done", "invalid-request", "state must be 'queued'"),
        ("label=cat", "invalid-request", "label must "),
        ("created_after=noon", "invalid-request", "created_after must be a valid datetime"),
        ("status=queued", "invalid-request", "'status' is not a parameter here"),
        ("cursor=x", "bad-cursor", "cursor must be one that a list of jobs gave, got 'x'"),
    ],
)
def test_a_wrong_query_is_told(url: str, query: str, kind: str, named: str) -> None:
    assert_problem(httpx.get(f"{url}/jobs?{query}"), 422, kind, named)


def test_cancel_cancels_and_never_deletes(url: str, queue: StagedQueue) -> None:
    job = add(queue, JobState.RUNNING)
    for _ in range(2):
        canceled = httpx.post(f"{url}/jobs/{job.id}/cancel")
        assert (canceled.status_code, canceled.json()["state"]) == (200, "canceled")
    done = add(queue, JobState.SUCCEEDED)
    assert httpx.post(f"{url}/jobs/{done.id}/cancel").json()["state"] == "succeeded"
    assert set(queue.jobs) == {job.id, done.id}
    assert_problem(
        httpx.post(f"{url}/jobs/none/cancel"), 404, "job-not-found", "No job has the id 'none'."
    )


@pytest.mark.parametrize("state", [JobState.RUNNING, JobState.SUCCEEDED])
def test_delete_deletes_also_what_runs(url: str, queue: StagedQueue, state: JobState) -> None:
    job = add(queue, state)
    deleted = httpx.delete(f"{url}/jobs/{job.id}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert queue.jobs == {}


def test_what_was_found_before_a_job_was_canceled_stays(url: str, queue: StagedQueue) -> None:
    job = add(queue, JobState.RUNNING, frames_done=3)
    httpx.post(f"{url}/jobs/{job.id}/cancel")
    result = f"{url}/jobs/{job.id}/result"
    assert_problem(httpx.get(result), 410, "job-canceled", "after 3 of 10 frames")
    lines = [json.loads(text) for text in httpx.get(result, headers=NDJSON).text.splitlines()]
    assert [line.get("index") for line in lines] == [0, 1, 2, None]
    assert lines[-1]["problem"]["type"] == "/problems/job-canceled"
    nothing = add(queue, JobState.CANCELED)
    answer = httpx.get(f"{url}/jobs/{nothing.id}/result", headers=NDJSON)
    assert_problem(answer, 410, "job-canceled", "after 0 of 10 frames")


def test_lists_choose_by_state_time_and_label(url: str, queue: StagedQueue) -> None:
    labels = {"kind": "cat", "shot": "a:1"}
    cat = add(queue, JobState.FAILED, created_at=NOON, labels=labels)
    later = NOON + timedelta(hours=1)
    other = add(queue, JobState.CANCELED, created_at=later, labels={"kind": "cat"})
    add(queue, JobState.SUCCEEDED, created_at=later)

    def found(**query: str | list[str]) -> list[str]:
        body = httpx.get(f"{url}/jobs", params=query).raise_for_status().json()
        assert body["total"] == len(body["jobs"])
        return [job["id"] for job in body["jobs"]]

    assert found(state=["failed", "canceled"]) == [other.id, cat.id]
    assert found(label="kind:cat") == [other.id, cat.id]
    assert found(label=["kind:cat", "shot:a:1"]) == [cat.id]
    assert found(created_before="2026-11-20T13:00:00Z") == [cat.id]
    assert found(created_after="2026-11-20T14:00:00+01:00", label="kind:cat") == [other.id]
    shown = httpx.get(f"{url}/jobs/{cat.id}").json()
    assert shown["request"]["labels"] == labels
    query = {"state": ["failed", "canceled"], "label": "kind:cat", "limit": "1"}
    query["created_after"] = NOON.isoformat()
    first = httpx.get(f"{url}/jobs", params=query).json()
    second = httpx.get(first["next"]).json()
    assert [page["jobs"][0]["id"] for page in (first, second)] == [other.id, cat.id]
    assert (first["total"], second["total"], second["next"]) == (2, 2, None)


def test_a_look_at_a_job_waits_for_another_state(url: str, queue: StagedQueue) -> None:
    job = add(queue, JobState.QUEUED)
    timer = threading.Timer(0.5, queue.change, [job.id], {"state": JobState.RUNNING})
    timer.start()
    changed = httpx.get(f"{url}/jobs/{job.id}", headers={"Prefer": "wait=30"}, timeout=40)
    assert changed.json()["state"] == "running"
    assert changed.headers["Preference-Applied"] == "wait=30"
    started = time.monotonic()
    same = httpx.get(f"{url}/jobs/{job.id}", headers={"Prefer": "wait=1"}, timeout=40)
    assert same.json()["state"] == "running"
    assert time.monotonic() - started > 0.9
    at_once = httpx.get(f"{url}/jobs/{job.id}")
    assert "Preference-Applied" not in at_once.headers


@pytest.mark.parametrize("path", ["result", "files/coco.json", "files/overlay.mp4"])
def test_results_are_waited_for_in_every_format(
    serve: Serve, queue: StagedQueue, path: str
) -> None:
    url, job = serve(Settings()), add(queue, JobState.RUNNING)
    done = {"state": JobState.SUCCEEDED, "frames_done": 10}
    timer = threading.Timer(0.5, queue.change, [job.id], done)
    timer.start()
    answer = httpx.get(f"{url}/jobs/{job.id}/{path}", headers={"Prefer": "wait=40"}, timeout=60)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Preference-Applied"] == "wait=40"


@pytest.mark.parametrize("start", [0, 4, 10])
def test_lines_go_on_where_a_stream_broke(url: str, queue: StagedQueue, start: int) -> None:
    done = add(queue, JobState.SUCCEEDED)
    lines = httpx.get(f"{url}/jobs/{done.id}/result?format=ndjson&start={start}").text.splitlines()
    assert [json.loads(text)["index"] for text in lines] == list(range(start, 10))


def test_lines_start_at_most_at_the_end(url: str, queue: StagedQueue) -> None:
    job = add(queue, JobState.SUCCEEDED)
    result = f"{url}/jobs/{job.id}/result"
    behind = httpx.get(f"{result}?format=ndjson&start=11")
    assert_problem(behind, 422, "invalid-request", "start must be at most the 10 frames of the job")
    whole = httpx.get(f"{result}?format=json&start=1")
    assert_problem(whole, 422, "invalid-request", "start must be left out where all is JSON")


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_results_are_compressed_for_who_takes_that(
    url: str, queue: StagedQueue, encoding: str
) -> None:
    job = add(queue, JobState.RUNNING, frames_done=1)
    headers = {"Accept-Encoding": encoding, **NDJSON}
    with httpx.stream("GET", f"{url}/jobs/{job.id}/result", headers=headers, timeout=20) as answer:
        assert answer.headers["Content-Encoding"] == encoding
        lines = answer.iter_lines()
        assert json.loads(next(lines))["index"] == 0  # before there is more to compress
        queue.change(job.id, state=JobState.SUCCEEDED)
        assert len(list(lines)) == 9
    whole = httpx.get(f"{url}/jobs/{job.id}/result", headers={"Accept-Encoding": encoding})
    assert whole.headers["Content-Encoding"] == encoding
    assert len(whole.json()["frames"]) == 10
    plain = httpx.get(f"{url}/jobs/{job.id}/result", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers


def test_a_result_is_json_unless_ndjson_is_asked_for(url: str, queue: StagedQueue) -> None:
    job = add(queue, JobState.SUCCEEDED)
    whole = httpx.get(f"{url}/jobs/{job.id}/result")
    lines = httpx.get(f"{url}/jobs/{job.id}/result", headers=NDJSON)
    assert whole.headers["Content-Type"] == "application/json"
    assert lines.headers["Content-Type"].startswith("application/x-ndjson")
    assert whole.headers["Vary"] == lines.headers["Vary"] == "Accept, Accept-Encoding"
    assert whole.json()["tracks"] == [{"id": 1, "score": 0.9, "start": 0, "stop": 10}]
    assert [json.loads(text) for text in lines.text.splitlines()] == whole.json()["frames"]
    refused = httpx.get(f"{url}/jobs/{job.id}/result", headers={"Accept": "text/html"})
    assert_problem(refused, 406, "not-acceptable", "text/html")


def test_json_before_the_end_is_refused_for_now(url: str, queue: StagedQueue) -> None:
    job = add(queue, JobState.RUNNING)
    answer = httpx.get(f"{url}/jobs/{job.id}/result")
    assert_problem(answer, 425, "job-not-finished", "running")
    assert answer.headers["Retry-After"] == "1"


def test_lines_come_while_the_job_runs(url: str, queue: StagedQueue) -> None:
    job = add(queue, JobState.RUNNING)
    with httpx.stream("GET", f"{url}/jobs/{job.id}/result", headers=NDJSON, timeout=20) as answer:
        lines = answer.iter_lines()
        queue.change(job.id, frames_done=1)
        assert json.loads(next(lines))["index"] == 0
        queue.change(job.id, frames_done=10, state=JobState.SUCCEEDED)
        assert [json.loads(text)["index"] for text in lines] == list(range(1, 10))


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"state": JobState.CANCELED}, "job-canceled"),
        ({"state": JobState.FAILED, "failure": JobFailure("BrokenVideo", "Bad.")}, "job-failed"),
    ],
)
def test_lines_end_with_the_problem_of_a_job_that_ends_badly(
    url: str, queue: StagedQueue, change: dict[str, Any], kind: str
) -> None:
    job = add(queue, JobState.RUNNING, frames_done=1)
    with httpx.stream("GET", f"{url}/jobs/{job.id}/result", headers=NDJSON, timeout=20) as answer:
        lines = answer.iter_lines()
        assert json.loads(next(lines))["index"] == 0
        queue.change(job.id, **change)
        last = json.loads(next(lines))
        assert last["problem"]["type"] == f"/problems/{kind}"
        assert list(lines) == []


def test_many_followers_leave_room_for_others(url: str, queue: StagedQueue) -> None:
    job = add(queue, JobState.RUNNING)

    def follow() -> None:
        client.get(f"{url}/jobs/{job.id}/result", headers=NDJSON)

    client = httpx.Client(limits=httpx.Limits(max_connections=100), timeout=60)
    threads = [threading.Thread(target=follow) for _ in range(50)]
    for thread in threads:
        thread.start()
    started = time.monotonic()
    assert httpx.get(f"{url}/jobs/{job.id}", timeout=30).status_code == 200
    elapsed_s = time.monotonic() - started
    queue.change(job.id, frames_done=10, state=JobState.SUCCEEDED)
    for thread in threads:
        thread.join()
    client.close()
    assert elapsed_s < 10


def test_a_result_of_any_length_is_held_a_block_at_a_time() -> None:
    summary = {"id": "a"}
    blocks = list(json_blocks(summary, (line(index) for index in range(5000))))
    assert max(map(len, blocks)) < BLOCK_CHARACTERS + 1000
    assert len(blocks) > 5
    result = json.loads("".join(blocks))
    assert [frame["index"] for frame in result["frames"]] == list(range(5000))
    assert json.loads("".join(json_blocks(summary, iter([])))) == {"id": "a", "frames": []}


def test_the_upload_folder_is_not_named_in_answers(url: str, store: FaultyStore) -> None:
    assert str(store.root) not in httpx.get(f"{url}/openapi.json").text
