"""Lines that can be read while their segment is computed stay true, whoever computes it."""

from collections.abc import Iterator
from contextlib import closing
from itertools import takewhile
from pathlib import Path

import pytest

from jobs.engine import JobQueue
from jobs.values import Job, JobState
from tests.jobs.conftest import Bench, wait_for

# Enough for five clips: the first frames of a segment come with its second clip or its third.
SEGMENT_FRAMES = 24


@pytest.fixture
def bench(bench: Bench) -> Iterator[Bench]:
    """Return a queue whose segments are long enough to be looked at while they are computed."""
    usual = bench.queue
    with closing(
        JobQueue(bench.database_url, bench.store, poll_s=0.02, segment_frames=SEGMENT_FRAMES)
    ) as bench.queue:
        yield bench
    bench.queue = usual


def readable(bench: Bench, job: Job) -> list[str]:
    """Return the lines that can be read now."""
    return list(takewhile(bool, bench.queue.frames(job.id, follow=True)))


def wait_until_amid_a_segment(bench: Bench, job: Job) -> int:
    """Wait until some but not all lines of a segment can be read, and return how many can."""
    wait_for(lambda: bench.queue.get(job.id).frames_ready % SEGMENT_FRAMES > 0, "early lines")
    return bench.queue.get(job.id).frames_ready


def test_frames_that_are_said_to_be_ready_can_be_read(bench: Bench, clip: Path) -> None:
    job = bench.submit(clip, instances="components")
    assert bench.queue.find([job.id, "0" * 32]) == [job]
    assert job.frames_ready == 0
    assert readable(bench, job) == []
    bench.start_worker(delay_s=0.5)
    wait_until_amid_a_segment(bench, job)
    seen, ready = [], [0]
    while not job.state.final:
        job = bench.queue.get(job.id)
        seen.append(readable(bench, job))
        assert len(seen[-1]) >= job.frames_ready >= ready[-1]
        ready.append(job.frames_ready)
    assert job.state is JobState.SUCCEEDED
    assert job.frames_ready == 48
    lines = list(bench.queue.frames(job.id))
    assert all(lines[: len(each)] == each for each in seen)
    assert set(ready) - set(range(0, 49, SEGMENT_FRAMES))


def test_what_a_killed_worker_told_is_kept_and_true(bench: Bench, clip: Path) -> None:
    worker = bench.start_worker(delay_s=0.5)
    job = bench.submit(clip)
    wait_until_amid_a_segment(bench, job)
    following = bench.queue.frames(job.id, follow=True)
    read = [next(following)]
    worker.kill()
    worker.wait()
    told = bench.queue.get(job.id).frames_ready
    bench.start_worker(delay_s=0.1)
    read += [line for line in following if line]
    assert bench.queue.get(job.id).frames_ready == 48
    assert told < 48
    assert read == list(bench.queue.frames(job.id))
    left = {path.name for path in bench.path(bench.store.summary(job.id)).parent.iterdir()}
    assert not any(bench.path(bench.store.part(job.id, 0)).parent.iterdir())
    assert "frames" in left
