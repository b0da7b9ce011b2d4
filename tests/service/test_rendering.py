"""Results in formats that take long: made once, kept, and nothing held up by them."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from formats.catalogue import FILE_FORMATS
from jobs.values import Job, JobRequest, JobState
from service.rendering import MOST_WAITING
from service.settings import Settings
from tests.service.conftest import Serve, serving
from tests.service.posting import assert_problem
from tests.service.scripted_renderings import ScriptedRenderings
from tests.service.staging import StagedQueue
from tests.service.test_jobs import add

CONTENT = bytes(range(100))


@pytest.fixture
def served(serve: Serve) -> str:
    return serve(Settings())


def job_of(queue: StagedQueue, filename: str, **values: str) -> Job:
    request = JobRequest(filename=filename, **values)  # type: ignore[arg-type] # as given
    return add(queue, JobState.SUCCEEDED, request=request)


def get(url: str, job: Job, prefer: str = "wait=60", **headers: str) -> httpx.Response:
    address = f"{url}/jobs/{job.id}/files/overlay.mp4"
    return httpx.get(address, headers={"Prefer": prefer, **headers}, timeout=90)


def test_a_file_is_made_once_and_served_in_parts(
    served: str, queue: StagedQueue, renderings: ScriptedRenderings
) -> None:
    job = job_of(queue, "dög.mp4")
    whole = get(served, job)
    assert (whole.status_code, whole.content) == (200, CONTENT)
    assert whole.headers["Content-Type"] == "video/mp4"
    assert whole.headers["Accept-Ranges"] == "bytes"
    disposition = "attachment; filename*=UTF-8''d%C3%B6g.overlay.mp4"
    assert whole.headers["Content-Disposition"] == disposition
    assert whole.headers["Preference-Applied"] == "wait=60"
    part = get(served, job, Range="bytes=10-19")
    assert (part.status_code, part.content) == (206, CONTENT[10:20])
    assert part.headers["Content-Range"] == "bytes 10-19/100"
    assert_problem(get(served, job, Range="bytes=200-"), 416, "range-not-satisfiable", "100 bytes")
    assert renderings.log() == [f"{job.id} overlay.mp4"]


def test_what_takes_longer_is_asked_for_again(
    served: str, queue: StagedQueue, renderings: ScriptedRenderings
) -> None:
    job = job_of(queue, "slow.mp4")
    for _ in range(2):
        answer = get(served, job, "wait=0")
        assert_problem(answer, 425, "not-rendered", "The overlay.mp4 of job")
        assert answer.headers["Retry-After"] == "1"
    assert httpx.get(f"{served}/jobs/{job.id}").status_code == 200  # while it is being made
    (renderings.folder / "go").touch()
    assert get(served, job).content == CONTENT
    assert len(renderings.log()) == 1


def test_many_who_ask_at_once_get_the_same(
    served: str, queue: StagedQueue, renderings: ScriptedRenderings
) -> None:
    job = job_of(queue, "slow.mp4")
    answers: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: answers.append(get(served, job).content)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    (renderings.folder / "go").touch()
    for thread in threads:
        thread.join()
    assert answers == [CONTENT] * 8
    assert len(renderings.log()) == 1


def test_one_is_made_after_another_and_not_without_end(
    serve: Serve, queue: StagedQueue, renderings: ScriptedRenderings
) -> None:
    url = serve(Settings(renderers=1))
    jobs = [job_of(queue, "slow.mp4") for _ in range(MOST_WAITING + 1)]
    for job in jobs[:-1]:
        assert_problem(get(url, job, "wait=0"), 425, "not-rendered", job.id)
    refused = get(url, jobs[-1], "wait=0")
    assert_problem(refused, 503, "renderer-busy", f"{MOST_WAITING} results wait")
    assert refused.headers["Retry-After"] == "1"
    while not renderings.log():
        time.sleep(0.01)
    time.sleep(0.2)
    assert len(renderings.log()) == 1
    (renderings.folder / "go").touch()
    assert get(url, jobs[-2]).status_code == 200
    assert get(url, jobs[-1]).status_code == 200


@pytest.mark.parametrize(
    ("filename", "problem"),
    [
        ("crashing.mp4", (500, "rendering-failed", "crashes the renderer")),
        ("broken.mp4", (422, "broken-video", "Nothing can be decoded.")),
        ("huge.mp4", (507, "storage-full", "no room for the overlay.mp4")),
        ("odd.mp4", (500, "internal-error", "")),
    ],
)
def test_a_failure_is_told_and_may_pass(
    served: str, queue: StagedQueue, filename: str, problem: tuple[int, str, str]
) -> None:
    job = job_of(queue, filename)
    assert_problem(get(served, job), *problem)
    queue.change(job.id, request=JobRequest(filename="good.mp4"))
    assert get(served, job).content == CONTENT


def test_a_failure_that_nobody_waited_for_is_told_to_who_asks_next(
    served: str, queue: StagedQueue, renderings: ScriptedRenderings
) -> None:
    job = job_of(queue, "crashing.mp4")
    while (answer := get(served, job, "wait=0")).status_code == 425:
        time.sleep(0.1)
    assert_problem(answer, 500, "rendering-failed", "crashes the renderer")
    assert len(renderings.log()) == 1
    assert_problem(get(served, job, "wait=0"), 425, "not-rendered", job.id)


def test_one_that_hangs_is_ended(
    serve: Serve, queue: StagedQueue, renderings: ScriptedRenderings
) -> None:
    url = serve(Settings(render_timeout_s=3))
    job = job_of(queue, "hanging.mp4")
    assert_problem(get(url, job), 500, "rendering-failed", "longer than 3 s")
    assert list(renderings.folder.glob(".*")) == []


def test_one_that_is_being_made_ends_with_its_job(
    served: str, queue: StagedQueue, renderings: ScriptedRenderings
) -> None:
    job = job_of(queue, "hanging.mp4")
    answers: list[httpx.Response] = []
    waiting = threading.Thread(target=lambda: answers.append(get(served, job)))
    waiting.start()
    while not renderings.log():
        time.sleep(0.05)
    process = Path("/proc", (renderings.folder / "pid").read_text())
    assert httpx.delete(f"{served}/jobs/{job.id}").status_code == 204
    waiting.join(timeout=30)
    assert_problem(answers[0], 404, "job-not-found", f"Job {job.id!r} was deleted.")
    assert not process.exists()
    following = job_of(queue, "good.mp4")
    assert get(served, following).content == CONTENT


def test_one_that_is_being_made_ends_with_the_service(
    queue: StagedQueue, renderings: ScriptedRenderings
) -> None:
    job = job_of(queue, "hanging.mp4")
    with serving(Settings(), queue, renderings) as url:
        assert_problem(get(url, job, "wait=0"), 425, "not-rendered", job.id)
        while not renderings.log():
            time.sleep(0.05)
        process = Path("/proc", (renderings.folder / "pid").read_text())
        assert process.exists()
        assert os.getpriority(os.PRIO_PROCESS, int(process.name)) == 10
    assert not process.exists()


def test_one_that_is_being_made_ends_with_an_api_that_is_killed(
    renderings: ScriptedRenderings,
) -> None:
    program = (
        "import sys, anyio\n"
        "from pathlib import Path\n"
        "from jobs.values import JobRequest, JobState\n"
        "from service.rendering import open_renderer\n"
        "from service.settings import Settings\n"
        "from service.watch import Stopping, open_watch\n"
        "from tests.service.scripted_renderings import ScriptedRenderings\n"
        "from tests.service.staging import StagedQueue\n"
        "from tests.service.test_jobs import add\n"
        "async def main():\n"
        "    queue = StagedQueue(Path(sys.argv[1]) / 'data')\n"
        "    job = add(queue, JobState.SUCCEEDED, request=JobRequest(filename='hanging.mp4'))\n"
        "    renderings = ScriptedRenderings(Path(sys.argv[1]))\n"
        "    stopping = Stopping()\n"
        "    async with (\n"
        "        open_watch(queue.find, stopping) as watch,\n"
        "        open_renderer(renderings, watch, Settings(), stopping) as renderer,\n"
        "    ):\n"
        "        await renderer.file(job, 'overlay.mp4', 600)\n"
        "anyio.run(main)\n"
    )
    command = [sys.executable, "-c", program, str(renderings.folder)]
    api = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(Path.cwd())})
    while not renderings.log():
        assert api.poll() is None
        time.sleep(0.05)
    process = Path("/proc", (renderings.folder / "pid").read_text())
    assert process.exists()
    api.kill()
    api.wait()
    deadline = time.monotonic() + 30
    while process.exists() and "\nState:\tZ" not in (process / "status").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_file_needs_a_finished_job(served: str, queue: StagedQueue) -> None:
    running = add(queue, JobState.RUNNING)
    assert_problem(get(served, running, "wait=0"), 425, "job-not-finished", "running")
    canceled = add(queue, JobState.CANCELED)
    assert_problem(get(served, canceled), 410, "job-canceled", "canceled")


@pytest.mark.parametrize("name", [n for n, each in FILE_FORMATS.items() if each.needs_masks])
def test_a_file_that_needs_masks_says_so(served: str, queue: StagedQueue, name: str) -> None:
    job = job_of(queue, "a.mp4", masks="none")
    answer = httpx.get(f"{served}/jobs/{job.id}/files/{name}")
    assert_problem(answer, 409, "job-has-no-masks", f"{name} needs a job with masks=rle")


def test_a_format_that_holds_fewer_tracks_says_so(
    served: str, queue: StagedQueue, renderings: ScriptedRenderings
) -> None:
    queue.track = 256
    job = job_of(queue, "a.mp4")
    answer = httpx.get(f"{served}/jobs/{job.id}/files/davis.zip")
    assert_problem(answer, 409, "too-many-tracks", "can hold 255 tracks, and the job has 256")
    queue.track = 255
    job = job_of(queue, "a.mp4")
    address = f"{served}/jobs/{job.id}/files/davis.zip"
    assert httpx.get(address, headers={"Prefer": "wait=60"}, timeout=90).content == CONTENT
    assert renderings.log() == [f"{job.id} davis.zip"]
