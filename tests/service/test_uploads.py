"""POST /segment: what is answered, and how long it waits for that."""

import hashlib
import threading
import time
from pathlib import Path

import httpx
import pytest

from jobs.values import JobFailure, JobState
from service.settings import Settings
from tests.raw_server import RawServer
from tests.service.conftest import Serve
from tests.service.posting import assert_problem, post, post_url
from tests.service.staging import FaultyStore, StagedQueue


def test_a_request_that_is_sent_again_makes_no_second_job(
    url: str, clip: Path, queue: StagedQueue, store: FaultyStore
) -> None:
    def send(key: str, **options: str) -> httpx.Response:
        files = {"file": ("clip.mp4", clip.read_bytes())}
        headers = {"Idempotency-Key": key}
        return httpx.post(f"{url}/segment", files=files, data=options, headers=headers, timeout=30)

    first, again = send("one"), send("one")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert len(queue.jobs) == 1
    assert not any(store.uploads.iterdir())
    other = send("one", every="2")
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-conflict")
    assert send("two").json()["id"] != first.json()["id"]
    assert send("x" * 256).json()["type"] == "/problems/invalid-request"


def test_the_same_is_worked_on_afresh_only_if_the_client_says_so(
    serve: Serve, clip: Path, elsewhere: RawServer, queue: StagedQueue
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
    url: str, clip: Path, queue: StagedQueue, store: FaultyStore
) -> None:
    answer = post(url, clip, every="2")
    assert answer.status_code == 200, answer.text
    result = answer.json()
    assert answer.headers["Location"] == f"{url}/jobs/{result['id']}"
    assert "Preference-Applied" not in answer.headers
    assert result["video"]["fps"] == "25/1"
    assert [frame["index"] for frame in result["frames"]] == [0, 2, 4, 6, 8]
    assert queue.jobs[result["id"]].request.filename == "clip of mine.mp4"
    assert queue.jobs[result["id"]].request.every == 2
    assert list(store.uploads.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "kept"), [("dog%201.mov", "dog 1.mov"), ("", "upload.mp4"), ("..%2Fa.mp4", "a.mp4")]
)
def test_a_video_may_be_the_body_itself(
    url: str, clip: Path, queue: StagedQueue, name: str, kept: str
) -> None:
    labels = '{"project": "dogs"}'
    answer = httpx.post(
        f"{url}/segment?filename={name}&every=2&masks=&labels={labels}",
        content=clip.read_bytes(),
        headers={"Content-Type": "video/mp4; codecs=avc1"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    request = queue.jobs[answer.json()["id"]].request
    assert (request.filename, request.every, request.masks) == (kept, 2, "rle")
    assert request.labels == {"project": "dogs"}
    assert queue.hashes == [(hashlib.sha256(clip.read_bytes()).hexdigest(), False)]


@pytest.mark.parametrize(
    ("query", "content", "named"),
    [
        ("every=0", b"a", "every must be greater than or equal to 1, got 0"),
        ("every=1&every=2", b"a", "every must be given once, got 'two values'"),
        ("file=a", b"a", "'file' is not one of "),
        ("", b"", "the body must be a file that holds a video, got '0 bytes'"),
    ],
)
def test_a_body_that_is_no_video_is_told(url: str, query: str, content: bytes, named: str) -> None:
    headers = {"Content-Type": "video/mp4"}
    answer = httpx.post(f"{url}/segment?{query}", content=content, headers=headers)
    assert_problem(answer, 422, "invalid-request", named)


def test_a_job_that_takes_longer_is_answered_with_its_address(
    url: str, clip: Path, queue: StagedQueue
) -> None:
    queue.outcome = JobState.QUEUED
    answer = post(url, clip, "respond-async")
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["Location"] == f"{url}/jobs/{job['id']}"
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert (job["state"], job["progress"]) == ("queued", {"frames_done": 0, "frames_total": 10})


def test_the_wait_ends_when_the_job_does(url: str, clip: Path, queue: StagedQueue) -> None:
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


def test_the_wait_is_capped(serve: Serve, clip: Path, queue: StagedQueue) -> None:
    queue.outcome = JobState.RUNNING
    answer = post(serve(Settings(wait_s=0, max_wait_s=1)), clip, "wait=1000")
    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "wait=1"


@pytest.mark.parametrize(
    ("failure", "answered"),
    [
        (JobFailure("BrokenVideo", "A packet is damaged."), (422, "broken-video")),
        (JobFailure("WorkerLost", "Given up."), (500, "worker-lost")),
        (JobFailure("InternalError", "A fault."), (500, "internal-error")),
    ],
)
def test_a_job_that_fails_within_the_wait_answers_its_problem(
    url: str, clip: Path, queue: StagedQueue, failure: JobFailure, answered: tuple[int, str]
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
    assert answer.headers["Location"] == f"{url}/jobs/{problem['job_id']}"


def test_a_job_canceled_within_the_wait_answers_so(
    url: str, clip: Path, queue: StagedQueue
) -> None:
    queue.outcome = JobState.CANCELED
    assert_problem(post(url, clip), 410, "job-canceled", "canceled after 0 of 10 frames")
