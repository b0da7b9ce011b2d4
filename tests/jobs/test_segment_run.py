"""Videos that can't be sought: one worker does their segments in a row, and decodes them once."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.values import Job, JobState
from tests.jobs.conftest import SEGMENT_FRAMES, Bench, wait_for
from tests.jobs.test_fair_queue import key
from tests.jobs.test_worker import CLIPS_OF_SEGMENT, segments_stored
from tests.videos import picture, write_video

SEGMENTS = 8
FRAMES = SEGMENTS * SEGMENT_FRAMES


@pytest.fixture(scope="module")
def unseekable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip whose first frame is its only key frame."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    options = {"g": "1000", "x264-params": "scenecut=0"}
    return write_video(path, [picture(n, 48, 64) for n in range(FRAMES)], options=options)


class Pipe:
    """Counts what the decoders of all workers decode."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._end = os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def count(self) -> int:
        """Return how many frames were decoded since the last time."""
        try:
            return len(os.read(self._end, 2**16))
        except BlockingIOError:
            return 0

    def close(self) -> None:
        os.close(self._end)


@pytest.fixture
def decoded(tmp_path: Path) -> Iterator[Pipe]:
    pipe = Pipe(tmp_path / "decoded")
    yield pipe
    pipe.close()


def submit_as(owner: str, bench: Bench, clip: Path) -> Job:
    everyones = bench.queue
    bench.queue = everyones.owned_by(key(owner))
    try:
        return bench.submit(clip)
    finally:
        bench.queue = everyones


def taken_up(bench: Bench, jobs: dict[str, Job]) -> str:
    """Return the names of the jobs whose segments were taken up, in that order."""
    lines = (bench.data_dir / "worker.log").read_text().splitlines()
    names = {job.id: name for name, job in jobs.items()}
    return "".join(
        name
        for line in lines
        if "took up a segment" in line
        for job_id, name in names.items()
        if job_id in line
    )


def test_two_workers_decode_a_video_with_one_start_once(
    bench: Bench, unseekable: Path, decoded: Pipe
) -> None:
    for _ in range(2):
        bench.start_worker(delay_s=0.05, decoded=decoded.path)
    wait_for(lambda: len(bench.queue.workers()) == 2, "two workers")
    jobs = [bench.submit(unseekable) for _ in range(2)]
    for job in jobs:
        done = bench.wait_until_final(job)
        assert (done.state, done.frames_done) == (JobState.SUCCEEDED, FRAMES)
    assert decoded.count() == 2 * FRAMES
    first, second = (list(bench.queue.frames(job.id)) for job in jobs)
    assert first == second
    assert len(first) == FRAMES


def test_what_a_killed_worker_has_done_of_it_is_kept(
    bench: Bench, unseekable: Path, decoded: Pipe
) -> None:
    first_worker = bench.start_worker(delay_s=0.1, decoded=decoded.path)
    undisturbed = bench.wait_until_final(bench.submit(unseekable))
    runs, frames = bench.runs(), decoded.count()
    assert frames == FRAMES
    job = bench.submit(unseekable)
    wait_for(lambda: segments_stored(bench, job) >= SEGMENTS // 2, "the middle")
    first_worker.kill()
    for _ in range(2):
        bench.start_worker(decoded=decoded.path)
    done = bench.wait_until_final(job)
    assert (done.state, done.frames_done) == (JobState.SUCCEEDED, FRAMES)
    assert decoded.count() <= 2 * FRAMES
    # The model is ahead of the frames that are stored by as much as a segment.
    assert bench.runs() <= 2 * runs + 2 * CLIPS_OF_SEGMENT
    assert list(bench.queue.frames(job.id)) == list(bench.queue.frames(undisturbed.id))


def test_between_its_segments_others_get_what_is_theirs(
    bench: Bench, unseekable: Path, clip: Path, decoded: Pipe
) -> None:
    jobs = {"a": submit_as("a", bench, unseekable)}
    worker = bench.start_worker(delay_s=0.15, decoded=decoded.path)
    wait_for(lambda: bench.runs() > 0, "the first clip")
    jobs |= {"b": submit_as("b", bench, unseekable), "c": submit_as("c", bench, clip)}
    for job in jobs.values():
        assert bench.wait_until_final(job).state is JobState.SUCCEEDED
    order = taken_up(bench, jobs)
    assert sorted(order) == sorted("a" * 8 + "b" * 8 + "c" * 4)
    of_all = order[order.index("c") : order.rindex("c") + 1]
    assert all(abs(of_all.count(name) - 4) <= 1 for name in "abc")
    of_two = order[order.index("b") : order.rindex("a") + 1]
    assert abs(of_two.count("a") - of_two.count("b")) <= 1
    assert decoded.count() == 2 * FRAMES
    worker.send_signal(signal.SIGTERM)
    assert worker.wait() == 0


def test_a_job_that_rests_can_be_canceled_and_its_worker_stopped(
    bench: Bench, unseekable: Path
) -> None:
    first = submit_as("a", bench, unseekable)
    worker = bench.start_worker(delay_s=0.3)
    wait_for(lambda: bench.runs() > 0, "the first clip")
    second = submit_as("b", bench, unseekable)
    wait_for(lambda: bench.queue.get(second.id).state is JobState.RUNNING, "the other job")
    assert bench.queue.cancel(first.id).state is JobState.CANCELED
    wait_for(lambda: segments_stored(bench, second) >= 3, "three segments of the other")
    third = submit_as("a", bench, unseekable)
    wait_for(lambda: bench.queue.get(third.id).state is JobState.RUNNING, "the third job")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait() == 0
    bench.start_worker()
    for job in (second, third):
        assert bench.wait_until_final(job).state is JobState.SUCCEEDED
    assert bench.queue.get(first.id).state is JobState.CANCELED
