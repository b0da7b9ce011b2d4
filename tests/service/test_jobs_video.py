"""GET /jobs/{job_id}/video: the upload as players want it, and nothing that a browser would run."""

import httpx
import pytest

from jobs.values import JobState
from service.jobs import POLICY
from tests.service.posting import assert_problem
from tests.service.staging import FaultyStore, StagedQueue
from tests.service.test_jobs import add


def test_a_player_gets_the_parts_that_it_asks_for(url: str, queue: StagedQueue) -> None:
    job = add(queue, JobState.RUNNING).id
    whole = httpx.get(f"{url}/jobs/{job}/video")
    assert (whole.status_code, whole.content) == (200, bytes(range(100)))
    assert whole.headers["Content-Type"] == "video/mp4"
    assert whole.headers["Accept-Ranges"] == "bytes"
    part = httpx.get(f"{url}/jobs/{job}/video", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, bytes(range(10, 20)))
    assert part.headers["Content-Range"] == "bytes 10-19/100"


def test_a_browser_keeps_the_video_and_asks_whether_it_is_the_same(
    url: str, queue: StagedQueue
) -> None:
    job = add(queue, JobState.RUNNING).id
    whole = httpx.get(f"{url}/jobs/{job}/video")
    assert whole.headers["Cache-Control"] == "private, no-cache"
    for known in (whole.headers["ETag"], f'"other", W/{whole.headers["ETag"]}', "*"):
        same = httpx.get(f"{url}/jobs/{job}/video", headers={"If-None-Match": known})
        assert (same.status_code, same.content) == (304, b"")
        assert same.headers["ETag"] == whole.headers["ETag"]
        assert same.headers["Cache-Control"] == "private, no-cache"
        assert (
            "Content-Security-Policy" not in same.headers
        )  # it would replace the one that is kept
    other = httpx.get(f"{url}/jobs/{job}/video", headers={"If-None-Match": '"other"'})
    assert other.content == whole.content


@pytest.mark.parametrize("asked", ["bytes", "frames=1-2", "bytes=", "bytes=20-10"])
def test_a_range_that_is_none_is_a_problem(
    url: str, queue: StagedQueue, store: FaultyStore, asked: str
) -> None:
    job = add(queue, JobState.RUNNING).id
    store.path(store.upload(job)).write_bytes(bytes(100))
    answer = httpx.get(f"{url}/jobs/{job}/video", headers={"Range": asked})
    assert_problem(answer, 422, "invalid-request", "Range must be parts such as")


def test_a_range_beyond_the_file_is_a_problem(
    url: str, queue: StagedQueue, store: FaultyStore
) -> None:
    job = add(queue, JobState.RUNNING).id
    store.path(store.upload(job)).write_bytes(bytes(100))
    answer = httpx.get(f"{url}/jobs/{job}/video", headers={"Range": "bytes=100-"})
    assert_problem(answer, 416, "range-not-satisfiable", "within the file's 100 bytes")
    assert answer.headers["Content-Range"] == "bytes */100"
    assert httpx.get(f"{url}/jobs/{job}/video").content == bytes(100)


def test_what_was_uploaded_as_a_page_is_none(
    url: str, queue: StagedQueue, store: FaultyStore
) -> None:
    job = add(queue, JobState.SUCCEEDED)
    request = job.request.__class__(filename="dog.html")
    queue.change(job.id, request=request)
    store.path(store.upload(job.id)).write_bytes(b"<script>alert(1)</script>")
    headers = httpx.get(f"{url}/jobs/{job.id}/video").headers
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Disposition"] == 'attachment; filename="dog.html"'
    assert headers["Content-Security-Policy"] == POLICY


def test_a_job_that_is_gone_has_no_video(url: str, queue: StagedQueue, store: FaultyStore) -> None:
    assert_problem(httpx.get(f"{url}/jobs/none/video"), 404, "job-not-found", "'none'")
    job = add(queue, JobState.SUCCEEDED).id
    store.delete(job)  # after it was looked up
    assert_problem(httpx.get(f"{url}/jobs/{job}/video"), 404, "job-not-found", "was deleted")


def test_a_store_that_is_away_is_told_with_when_to_come_again(
    url: str, queue: StagedQueue, store: FaultyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = add(queue, JobState.RUNNING).id
    monkeypatch.setattr(store, "away", True)
    answer = httpx.get(f"{url}/jobs/{job}/video")
    assert_problem(answer, 503, "store-away", "try later")
    assert answer.headers["Retry-After"] == "5"
