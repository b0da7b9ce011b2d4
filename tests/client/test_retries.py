"""What both clients try again before a server that fails, and what they don't."""

import json
import time
from pathlib import Path

import pytest

from jobs.values import JobState
from rotograph import (
    BusyError,
    RetryPolicy,
    ServerError,
    UnexpectedResponseError,
    UnreachableError,
    WaitTimeoutError,
    __version__,
)
from rotograph._async.following import FIRST_LOOK_S
from tests.client.conftest import Connect
from tests.client.flaky import Answer, Cut, Fate, Flaky
from tests.service.staging import StagedQueue

PROBLEM = {"Content-Type": "application/problem+json"}
QUEUE_FULL = b'{"type": "/problems/queue-full", "title": "T", "status": 503, "detail": "D"}'


@pytest.mark.parametrize(
    "fate",
    [
        "lost",
        "unanswered",
        Cut(5),
        Answer(502),
        Answer(504),
        Answer(503, {"Retry-After": "0"}),
        Answer(429, {"Retry-After": "0"}),
    ],
    ids=str,
)
def test_a_video_that_must_be_sent_again_is_one_job(
    connect: Connect, between: Flaky, queue: StagedQueue, clip: Path, fate: Fate
) -> None:
    queue.outcome = JobState.QUEUED
    between.fates = [fate, fate]
    sent: list[int] = []
    job = connect(between.url).submit(clip, on_upload=lambda done, _: sent.append(done))
    assert list(queue.jobs) == [job.id]
    assert [path for _, path, _ in between.requests] == ["/segment"] * 3
    assert len({headers["idempotency-key"] for _, _, headers in between.requests}) == 1
    assert sum(step > clip.stat().st_size for step in sent) >= 3  # whole each time


def test_each_video_has_a_key_of_its_own(connect: Connect, between: Flaky, clip: Path) -> None:
    client = connect(between.url)
    assert client.submit(clip).id != client.submit(clip).id
    posts = [headers for method, _, headers in between.requests if method == "POST"]
    assert len({headers["idempotency-key"] for headers in posts}) == 2


def test_a_job_that_is_over_by_the_second_attempt_is_found(
    connect: Connect, between: Flaky, queue: StagedQueue, clip: Path
) -> None:
    between.fates = ["unanswered"]
    assert queue.outcome is JobState.SUCCEEDED
    assert connect(between.url).submit(clip).state == "succeeded"
    assert len(queue.jobs) == 1


def test_it_is_given_up_after_the_last_attempt(connect: Connect, between: Flaky) -> None:
    between.fates = ["lost"] * 9
    with pytest.raises(UnreachableError, match="4 times"):
        connect(between.url).job("a")
    assert len(between.requests) == 4
    between.fates = [Answer(502)] * 9
    with pytest.raises(UnexpectedResponseError, match="502"):
        connect(between.url).job("a")


def test_a_busy_service_is_asked_again_when_it_says(connect: Connect, between: Flaky) -> None:
    busy = Answer(503, PROBLEM | {"Retry-After": "1"}, QUEUE_FULL)
    between.fates = [busy] * 2
    before = time.monotonic()
    with pytest.raises(BusyError) as told:
        connect(between.url, retry_policy=RetryPolicy(attempts=2, first_s=0.01)).job("a")
    assert time.monotonic() - before >= 1
    assert (told.value.status, told.value.retry_after_s) == (503, 1)


def test_a_service_that_is_busy_for_long_is_not_asked_again(
    connect: Connect, between: Flaky
) -> None:
    between.fates = [Answer(429, PROBLEM | {"Retry-After": "3600"}, QUEUE_FULL)]
    with pytest.raises(BusyError):
        connect(between.url).job("a")
    assert len(between.requests) == 1


def test_a_refused_request_is_not_sent_again(connect: Connect, between: Flaky, clip: Path) -> None:
    with pytest.raises(Exception, match="every must be greater than or equal to 1, got 0"):
        connect(between.url).submit(clip, every=0)
    assert len(between.requests) == 1


def test_frames_go_on_after_the_connection_broke(
    connect: Connect, between: Flaky, clip: Path
) -> None:
    client = connect(between.url)
    job = client.submit(clip)
    between.requests.clear()
    between.fates = [Cut(200), "lost", Cut(700)]
    assert [frame.index for frame in client.frames(job)] == list(range(10))
    assert len(between.requests) == 4


def test_frames_are_given_up_where_nothing_comes(
    connect: Connect, between: Flaky, clip: Path
) -> None:
    client = connect(between.url)
    job = client.submit(clip)
    between.fates = [Cut(10)] * 9
    with pytest.raises(UnreachableError):
        list(client.frames(job))


def test_a_download_goes_on_where_it_broke(
    connect: Connect, between: Flaky, clip: Path, tmp_path: Path
) -> None:
    client = connect(between.url)
    job = client.submit(clip)
    between.requests.clear()
    between.fates = [Cut(30), Cut(20)]
    file = client.download(job, "overlay.mp4", tmp_path / "a.mp4")
    assert file.read_bytes() == bytes(range(100))
    ranges = [headers.get("range") for _, _, headers in between.requests]
    assert ranges == [None, "bytes=30-", "bytes=50-"]


def test_a_download_that_cannot_go_on_begins_anew(
    connect: Connect, between: Flaky, clip: Path, tmp_path: Path
) -> None:
    client = connect(between.url)
    job = client.submit(clip)
    between.fates = [Cut(30)]
    file = client.download(job, "ndjson", tmp_path / "a")
    assert len(file.read_text().splitlines()) == 10


def test_a_download_that_breaks_for_good_leaves_nothing(
    connect: Connect, between: Flaky, clip: Path, tmp_path: Path
) -> None:
    client = connect(between.url)
    job = client.submit(clip)
    folder = tmp_path / "out"
    folder.mkdir()
    lost: list[Fate] = ["lost"] * 9
    between.fates = [Cut(30), *lost]
    with pytest.raises(UnreachableError):
        client.download(job, "overlay.mp4", folder / "a.mp4")
    assert list(folder.iterdir()) == []


def test_deleting_is_done_though_the_answer_is_lost(
    connect: Connect, between: Flaky, queue: StagedQueue, clip: Path
) -> None:
    client = connect(between.url)
    job = client.submit(clip)
    look = "GET"
    between.requests.clear()
    between.fates = [Cut(10_000), "unanswered"]
    client.delete(job)
    assert [method for method, _, _ in between.requests] == [look, "DELETE", "DELETE"]
    assert queue.jobs == {}


def test_canceling_is_done_though_the_answer_is_lost(
    connect: Connect, between: Flaky, queue: StagedQueue, clip: Path
) -> None:
    queue.outcome = JobState.RUNNING
    client = connect(between.url)
    job = client.submit(clip)
    between.fates = ["unanswered"]
    assert client.cancel(job).state == "canceled"
    assert job.id in queue.jobs


def test_a_service_that_is_away_for_a_while_is_waited_for(
    connect: Connect, between: Flaky, queue: StagedQueue, clip: Path
) -> None:
    queue.outcome = JobState.RUNNING
    client = connect(between.url)
    job = client.submit(clip)
    between.fates = ["lost", Answer(502), Answer(503, {"Retry-After": "0"})]
    with pytest.raises(WaitTimeoutError):
        client.wait(job, timeout_s=FIRST_LOOK_S)
    assert between.fates == []


def test_lines_end_where_json_has_them_end(connect: Connect, between: Flaky) -> None:
    """Characters such as U+2028 end a line for `str.splitlines`, but not in NDJSON."""
    problem = {"type": "/problems/x", "title": "T", "status": 500, "detail": "a\u2028b\x85c"}
    line = json.dumps({"problem": problem}, ensure_ascii=False).encode() + b"\r\n"
    between.fates = [Answer(200, {"Content-Type": "application/x-ndjson"}, line)]
    with pytest.raises(ServerError) as told:
        list(connect(between.url).frames("a"))
    assert told.value.detail == problem["detail"]


def test_the_service_is_told_who_asks(connect: Connect, between: Flaky, clip: Path) -> None:
    connect(between.url).submit(clip)
    assert between.requests[0][2]["user-agent"].startswith(f"rotograph/{__version__} python/3.")
