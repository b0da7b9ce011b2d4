"""Jobs that take longer than they may, and those that only wait."""

import time
from pathlib import Path

from jobs.deadline import Deadline
from jobs.metrics import WorkerMetrics
from jobs.records import JobRecords
from jobs.values import JobState
from tests.jobs.conftest import Bench, wait_for


def test_a_job_that_takes_too_long_fails_and_its_worker_goes_on(bench: Bench, clip: Path) -> None:
    metrics = WorkerMetrics()
    bench.start_worker(delay_s=0.5)
    slow = bench.submit(clip)
    wait_for(lambda: bench.queue.get(slow.id).state is JobState.RUNNING, "a worker")
    with Deadline(JobRecords(bench.queue._engine), 0.5, metrics):
        job = bench.wait_until_final(slow)
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert job.failure.kind == "JobTimedOut"
    assert job.failure.message.startswith("The job took longer than 0.5 s")
    assert job.frames_done < job.frames_total
    counted = metrics.registry.get_sample_value
    assert counted("rotograph_jobs_ended_total", {"state": "failed"}) == 1
    assert counted("rotograph_job_failures_total", {"problem": "JobTimedOut"}) == 1
    following = bench.wait_until_final(bench.submit(clip, every=8))
    assert following.state is JobState.SUCCEEDED


def test_the_wait_for_a_worker_does_not_count(bench: Bench, clip: Path) -> None:
    waiting, taken_up = bench.submit(clip), bench.submit(clip)
    records = JobRecords(bench.queue._engine)
    records.take_up(taken_up.id, 0, {"name": "fake", "version": "1"})
    time.sleep(0.1)
    assert records.overdue(0.05) == [taken_up.id]
    assert records.overdue(60) == []
    with Deadline(records, 0.05, WorkerMetrics()):
        bench.wait_until_final(taken_up)
    assert bench.queue.get(waiting.id).state is JobState.QUEUED
    with Deadline(records, None, WorkerMetrics()):
        assert bench.queue.get(waiting.id).state is JobState.QUEUED
