"""What both clients do before the real app: post, follow, read, download, cancel and delete."""

import io
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from threading import Timer
from typing import get_args

import numpy as np
import pytest

from formats.catalogue import FILE_FORMATS, TEXT_FORMATS
from jobs.values import JobFailure, JobState
from rotograph import (
    AuthenticationError,
    Client,
    Job,
    JobCanceledError,
    JobFailedError,
    NotFoundError,
    RequestError,
    Result,
    RotographError,
    ServerError,
    UnexpectedResponseError,
    UnreachableError,
    WaitTimeoutError,
)
from rotograph.options import Format, Options
from service.bodies import OPTIONS
from tests.client.conftest import Connect, Running
from tests.client.flaky import Answer, Flaky
from tests.raw_server import RawServer
from tests.service.staging import StagedQueue
from tests.service.test_jobs import add

RUNNING, SUCCEEDED = JobState.RUNNING, JobState.SUCCEEDED

Posted = tuple[Client, Job]


def only_job(queue: StagedQueue) -> str:
    (job_id,) = queue.jobs
    return job_id


def test_a_video_is_segmented(connect: Connect, service: str, clip: Path) -> None:
    sent, done = [], []
    client = connect(service)
    result = client.segment(
        clip,
        every=2,
        on_upload=lambda *step: sent.append(step),
        on_progress=lambda *step: done.append(step),
    )
    assert (result.video.width, result.video.height, result.video.fps) == (64, 48, Fraction(25))
    assert [(frame.index, frame.time_s) for frame in result.frames] == [
        (index, index / 25) for index in range(0, 10, 2)
    ]
    (track,) = result.tracks
    assert (track.id, track.start, track.stop, track.actions) == (1, 0, 5, ())
    (found,) = result.frames[0].objects
    assert (found.track, found.score, found.box, found.area) == (1, 0.9, (1, 2, 3, 4), 12)
    assert found.mask.shape == (48, 64)
    assert found.mask.dtype == np.bool_
    assert done[-1] == (5, 5)
    size = sent[-1][1]
    assert sent[-1][0] == size > clip.stat().st_size
    assert [step for step, _ in sent] == sorted(step for step, _ in sent)


def test_files_and_their_names_are_taken(connect: Connect, service: str, clip: Path) -> None:
    client = connect(service)
    assert client.submit(str(clip)).filename == "square.mp4"
    with clip.open("rb") as file:
        assert client.submit(file).filename == "square.mp4"
    assert client.submit(io.BytesIO(clip.read_bytes())).filename == "video"
    with pytest.raises(FileNotFoundError):
        client.submit("missing.mp4")
    with pytest.raises(ValueError, match="must be a binary file"):
        client.submit(io.StringIO("text"))  # type: ignore[arg-type]  # that is the fault


def test_options_arrive(connect: Connect, service: str, queue: StagedQueue, clip: Path) -> None:
    connect(service).submit(clip, start_s=0.1, instances="components", masks="none", priority="low")
    asked = asdict(queue.jobs[only_job(queue)].request)
    assert (asked["start_s"], asked["instances"]) == (0.1, "components")
    assert (asked["masks"], asked["priority"]) == ("none", "low")


def test_a_video_is_named_by_its_url(
    connect: Connect, service: str, queue: StagedQueue, clip: Path
) -> None:
    content = clip.read_bytes()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content)
    server = RawServer(head + content)
    url = f"http://127.0.0.1:{server.port}/clips/dog.mp4?size=2"
    result = connect(service).segment(url, actions=False, every=2)
    server.close()
    assert len(result.frames) == 5
    assert result.source is None
    request = queue.jobs[only_job(queue)].request
    assert (request.filename, request.actions, request.every) == ("dog.mp4", False, 2)


def test_a_url_that_may_not_be_reached_is_refused(connect: Connect, service: str) -> None:
    with pytest.raises(RequestError) as told:
        connect(service).submit("http://127.0.0.2/dog.mp4")
    assert told.value.status == 422


def test_a_copy_says_of_what_unless_it_is_to_be_fresh(
    connect: Connect, service: str, queue: StagedQueue, clip: Path
) -> None:
    client = connect(service)
    job = client.submit(clip)
    assert job.copied_from is None
    queue.change(job.id, copied_from="f" * 32)
    assert client.job(job).copied_from == "f" * 32
    client.segment(clip, fresh=True)
    assert [fresh for _, fresh in queue.hashes] == [False, True]


def test_the_client_knows_what_the_service_takes() -> None:
    assert set(Options.__annotations__) == set(OPTIONS)
    assert set(get_args(Format)) == {"json", "ndjson", *TEXT_FORMATS, *FILE_FORMATS}


def test_a_wrong_option_is_a_problem(connect: Connect, service: str, clip: Path) -> None:
    with pytest.raises(RequestError) as told:
        connect(service).submit(clip, threshold=2)
    error = told.value
    assert (error.status, error.type, error.job_id) == (422, "/problems/invalid-request", None)
    assert error.title == "The request holds a wrong value"
    assert error.detail == "threshold must be less than 1, got 2."
    assert error.problem.request_id
    assert "(422): threshold must" in str(error)


@pytest.fixture
def running_job(connect: Connect, service: str, queue: StagedQueue, clip: Path) -> Posted:
    """A client, and a job of 10 frames that it posted and that runs."""
    queue.outcome = RUNNING
    client = connect(service)
    return client, client.submit(clip)


def test_wait_follows_a_job_to_its_end(running_job: Posted, queue: StagedQueue) -> None:
    client, job = running_job
    assert (job.state, job.final, job.frames_total) == ("running", False, 10)
    seen: list[tuple[int, int]] = []

    def move(done: int, total: int) -> None:
        seen.append((done, total))
        if len(seen) == 2:
            queue.change(job.id, frames_done=4)
        if done == 4:
            queue.change(job.id, state=SUCCEEDED, frames_done=10)

    job = client.wait(job, on_progress=move)
    assert (job.state, job.final) == ("succeeded", True)
    assert seen[0] == (0, 10)
    assert (4, 10) in seen
    assert seen[-1] == (10, 10)


def test_waiting_ends_in_time(running_job: Posted, queue: StagedQueue) -> None:
    client, job = running_job
    with pytest.raises(
        WaitTimeoutError, match=r"is running after 0\.2 s: 0 of 10 frames done"
    ) as told:
        client.wait(job, timeout_s=0.2)
    assert isinstance(told.value, TimeoutError)
    assert queue.get(job.id).state is RUNNING


@pytest.mark.parametrize("method", ["wait", "result", "frames", "download"])
def test_a_failed_job_says_why(
    running_job: Posted, queue: StagedQueue, clip: Path, method: str
) -> None:
    client, made = running_job
    failure = JobFailure("BrokenVideo", "Frame 7 can't be decoded.")
    queue.change(made.id, state=JobState.FAILED, failure=failure)
    arguments = (made, "coco.json", clip.with_name("none")) if method == "download" else (made,)
    with pytest.raises(JobFailedError) as told:
        list(getattr(client, method)(*arguments) or ())
    assert (told.value.type, told.value.status) == ("/problems/broken-video", 422)
    assert (told.value.detail, told.value.job_id) == (failure.message, made.id)
    assert not clip.with_name("none").exists()


@pytest.mark.parametrize("method", ["wait", "result", "frames"])
def test_a_canceled_job_says_so(running_job: Posted, method: str) -> None:
    client, job = running_job
    assert client.cancel(job).state == "canceled"
    with pytest.raises(JobCanceledError, match="after 0 of 10 frames"):
        list(getattr(client, method)(job) or ())


def test_frames_come_while_the_job_runs(running_job: Posted, queue: StagedQueue) -> None:
    client, job = running_job
    queue.change(job.id, frames_done=3)
    frames = client.frames(job)
    assert [next(frames).index for _ in range(3)] == [0, 1, 2]
    queue.change(job.id, frames_done=10, state=SUCCEEDED)
    assert [frame.index for frame in frames] == [3, 4, 5, 6, 7, 8, 9]


def test_frames_of_a_job_that_fails_end_with_why(running_job: Posted, queue: StagedQueue) -> None:
    client, job = running_job
    queue.change(job.id, frames_done=1)
    frames = client.frames(job)
    assert next(frames).index == 0
    queue.change(
        job.id, state=JobState.FAILED, failure=JobFailure("BrokenVideo", "Nothing can be decoded.")
    )
    with pytest.raises(JobFailedError, match="Nothing can be decoded"):
        next(frames)


def test_iterating_may_be_given_up(running_job: Posted, queue: StagedQueue) -> None:
    client, job = running_job
    queue.change(job.id, frames_done=1)
    for frame in client.frames(job):
        assert frame.index == 0
        break
    assert client.job(job.id).frames_done == 1


def test_jobs_are_listed_over_pages(connect: Connect, service: str, queue: StagedQueue) -> None:
    client = connect(service)
    queue.repeat(add(queue, SUCCEEDED).id, 120)
    added = list(queue.jobs)
    queue.change(added[3], state=RUNNING)
    assert [job.id for job in client.jobs()] == added[::-1]
    assert len(added) == 121
    assert [job.state for job in client.jobs("running")] == ["running"]


def test_cancel_leaves_a_job_that_is_over(
    connect: Connect, service: str, queue: StagedQueue, clip: Path
) -> None:
    client = connect(service)
    job = client.submit(clip)
    assert client.cancel(job).state == "succeeded"
    assert only_job(queue) == job.id


def test_jobs_are_listed_by_state_label_and_time_over_all_pages(
    connect: Connect, service: str, queue: StagedQueue, clip: Path
) -> None:
    client = connect(service)
    labels = {"kind": "cat", "by": "ada & bob"}
    made = client.submit(clip, labels=labels)
    assert made.labels == labels
    queue.repeat(add(queue, SUCCEEDED).id, 100)  # more than a page
    assert len(list(client.jobs("succeeded"))) == 102
    assert [job.id for job in client.jobs(labels=labels)] == [made.id]
    assert list(client.jobs(["queued", "running"])) == []
    assert list(client.jobs(created_before=made.created_at)) == []
    assert len(list(client.jobs(created_after=made.created_at))) == 102


@pytest.mark.parametrize("state", [RUNNING, SUCCEEDED])
def test_delete_deletes_whatever_the_state(
    connect: Connect, service: str, queue: StagedQueue, clip: Path, state: JobState
) -> None:
    queue.outcome = state
    client = connect(service)
    job = client.submit(clip)
    client.delete(job.id)
    assert queue.jobs == {}
    with pytest.raises(NotFoundError, match="No job has the id"):
        client.delete(job)


def test_downloads_are_files(connect: Connect, service: str, clip: Path, tmp_path: Path) -> None:
    client = connect(service)
    job = client.submit(clip)
    file = client.download(job, "json", tmp_path / "dog.json")
    assert Result.read(file) == client.result(job)
    came: list[tuple[int, int]] = []
    drawn = client.download(job, "overlay.mp4", tmp_path, on_progress=lambda *n: came.append(n))
    assert drawn == tmp_path / "square.overlay.mp4"
    assert drawn.read_bytes() == bytes(range(100))
    assert came[-1] == (100, 100)  # after (0, 0), if making it takes longer than the wait
    assert client.download(job, "coco.json", tmp_path).name == "square.coco.json"
    assert client.download(job, "ndjson", tmp_path).name == f"{job.id}.ndjson"


def test_a_download_waits_while_it_is_made(
    connect: Connect, service: str, clip: Path, running: Running, tmp_path: Path
) -> None:
    slow = tmp_path / "slow.mp4"
    slow.write_bytes(clip.read_bytes())
    client = connect(service)
    job = client.submit(slow)
    release = Timer(0.3, (running.renderings.folder / "go").touch)
    release.start()
    assert client.download(job, "mattes.zip", tmp_path / "m.zip").stat().st_size == 100
    (running.renderings.folder / "go").unlink()


def test_a_download_that_is_refused_leaves_nothing(
    connect: Connect, service: str, clip: Path, tmp_path: Path
) -> None:
    client = connect(service)
    job = client.submit(clip, masks="none")
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(RequestError) as told:
        client.download(job, "ytvis.json", folder / "a.json")
    assert told.value.type == "/problems/job-has-no-masks"
    assert list(folder.iterdir()) == []


def test_no_service_is_unreachable(connect: Connect) -> None:
    with pytest.raises(UnreachableError, match=r"Tried http://127.0.0.1:1/jobs/a 4 times"):
        connect("http://127.0.0.1:1").job("a")


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host", "http://", "http://a:b", ""])
def test_wrong_urls_are_refused(connect: Connect, url: str) -> None:
    with pytest.raises(ValueError, match="The URL"):
        connect(url)


def test_the_page_of_a_proxy_is_no_answer(connect: Connect, between: Flaky) -> None:
    between.fates = [Answer(500)]
    with pytest.raises(UnexpectedResponseError, match=r"answered 500 .*'<html>'"):
        connect(between.url).job("a")


def test_keys_are_sent_and_told_apart(connect: Connect, between: Flaky) -> None:
    body = b'{"type": "/problems/key-unknown", "title": "T", "status": 401, "detail": "D"}'
    between.fates = [Answer(401, {"Content-Type": "application/problem+json"}, body)]
    with pytest.raises(AuthenticationError, match=r"T \(401\): D"):
        connect(between.url, "rotograph_secret").job("a")
    assert between.requests[0][2]["authorization"] == "Bearer rotograph_secret"


def test_the_services_own_faults_are_told_apart(connect: Connect, between: Flaky) -> None:
    body = b'{"type": "/problems/internal-error", "title": "T", "status": 500, "detail": "D"}'
    between.fates = [Answer(500, {"Content-Type": "application/problem+json"}, body)]
    with pytest.raises(ServerError) as told:
        connect(between.url).job("a")
    assert isinstance(told.value, RotographError)
