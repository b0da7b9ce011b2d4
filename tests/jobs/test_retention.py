"""What is deleted of finished jobs, and what isn't."""

from pathlib import Path

import pytest

from jobs.database import JOBS
from jobs.engine import JobQueue
from jobs.errors import QueueFull
from jobs.retention import Retention
from tests.jobs.conftest import Bench, wait_for


def ended(bench: Bench, clip: Path, seconds_ago: float) -> str:
    job = bench.submit(clip)
    bench.queue.cancel(job.id)
    with bench.queue._engine.begin() as connection:
        change = JOBS.update().where(JOBS.c.id == job.id)
        connection.execute(change.values(finished_at=JOBS.c.finished_at - seconds_ago))
    return job.id


def ids(queue: JobQueue) -> set[str]:
    return {job.id for job in queue.list()[0]}


def test_jobs_go_when_they_are_too_old(bench: Bench, clip: Path) -> None:
    old, young = ended(bench, clip, 100), ended(bench, clip, 10)
    unfinished = bench.submit(clip).id
    assert Retention(bench.queue, 50, None).collect() == 1
    assert ids(bench.queue) == {young, unfinished}
    assert not (bench.data_dir / "jobs" / old).exists()


def test_the_oldest_go_until_the_rest_fits(bench: Bench, clip: Path) -> None:
    unfinished = bench.submit(clip).id
    young, _ = ended(bench, clip, 10), ended(bench, clip, 100)
    ended(bench, clip, 50)
    size = bench.store.size(unfinished)
    assert size >= clip.stat().st_size
    budget = bench.store.size() - 2 * size
    assert Retention(bench.queue, None, budget).collect() == 2
    assert ids(bench.queue) == {unfinished, young}
    assert Retention(bench.queue, None, 0).collect() == 1
    assert ids(bench.queue) == {unfinished}


def test_nothing_goes_where_no_bound_is_set(bench: Bench, clip: Path) -> None:
    ended(bench, clip, 1e9)
    assert Retention(bench.queue, None, None).collect() == 0


def test_the_thread_does_it(bench: Bench, clip: Path) -> None:
    ended(bench, clip, 100)
    with Retention(bench.queue, 50, None):
        wait_for(lambda: not ids(bench.queue), "the deletion")


def test_a_full_queue_takes_no_more(bench: Bench, clip: Path) -> None:
    queue = JobQueue(bench.database_url, bench.store, max_queued=1)
    queue.check_room()
    bench.submit(clip)
    with pytest.raises(QueueFull, match="At most 1 jobs"):
        queue.check_room()
    queue.close()
