"""A job is computed by one runtime, whatever workers come and go."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from jobs.database import workflow_id, workflows
from jobs.liveness import WorkerRegister
from jobs.metrics import WorkerMetrics
from jobs.orphans import Orphans
from jobs.pinning import PinnedElsewhere
from jobs.records import JobRecords
from jobs.runtime import runtime_of
from jobs.values import Job, JobState, Worker
from tests.jobs.conftest import SEGMENT_FRAMES, Bench, wait_for
from tests.jobs.slow_worker import SlowSession, spec

MODEL = {"name": "fake", "version": "1"}
OTHER = Worker(
    id="other", device="cpu", provider="Fake", model="fake", model_version="2", runtime="other"
)


def versions_seen(bench: Bench, job: Job) -> set[str]:
    """Return which of the fake models found a job's frames; the dark one finds the ground."""
    seen = set()
    for line in bench.queue.frames(job.id):
        ((_, _, width, _),) = [each["box"] for each in json.loads(line)["objects"]]
        seen.add("2" if width > 32 else "1")
    return seen


def wait_until_in_second_segment(bench: Bench, job: Job) -> None:
    wait_for(lambda: bench.queue.get(job.id).frames_done > SEGMENT_FRAMES, "the second segment")


@contextmanager
def looking_for_orphans(bench: Bench, wait_s: float) -> Iterator[None]:
    """See to orphans as a worker of another runtime does, which takes up nothing itself."""
    engine = bench.queue._engine
    register = WorkerRegister(engine)
    seen_by = (JobRecords(engine), register, OTHER, bench.store, WorkerMetrics())
    with Orphans(*seen_by, wait_s=wait_s):
        yield


def test_a_runtime_is_of_files_device_and_provider(tmp_path: Path) -> None:
    session = SlowSession(tmp_path, 0, False, False, spec("1"))
    model = tmp_path / "m.onnx"
    model.write_bytes(b"one")
    runtimes = {runtime_of(session, model)}
    assert runtime_of(replace(session, spec=spec("2")), model) in runtimes
    runtimes.add(runtime_of(replace(session, device="openvino-bf16"), model))
    runtimes.add(runtime_of(replace(session, provider="Other"), model))
    (tmp_path / "m-actions.onnx").write_bytes(b"two")
    runtimes.add(runtime_of(session, model))
    (tmp_path / "m-actions.onnx").write_bytes(b"three")
    runtimes.add(runtime_of(session, model))
    assert len(runtimes) == 5


def test_jobs_on_two_models_at_once_are_never_mixed(bench: Bench, clip: Path) -> None:
    for dark in (False, True):
        bench.start_worker(delay_s=0.1, dark=dark)
    wait_for(lambda: len(bench.queue.workers()) == 2, "two workers")
    jobs = [bench.wait_until_final(job) for job in [bench.submit(clip) for _ in range(4)]]
    assert [job.state for job in jobs] == [JobState.SUCCEEDED] * 4
    labelled = [{bench.queue.result_summary(job.id)["model"]["version"]} for job in jobs]
    assert [versions_seen(bench, job) for job in jobs] == labelled
    assert {"1"} in labelled
    assert {"2"} in labelled


def test_weights_are_changed_worker_by_worker(bench: Bench, clip: Path) -> None:
    old = bench.start_worker(delay_s=0.6)
    begun = bench.submit(clip)
    wait_for(lambda: bench.runs() > 0, "the first clip")
    bench.start_worker(dark=True)
    wait_for(lambda: len(bench.queue.workers()) == 2, "the new worker")
    assert not bench.queue.get(begun.id).state.final
    later = bench.wait_until_final(bench.submit(clip))
    assert versions_seen(bench, later) == {"2"}
    assert versions_seen(bench, bench.wait_until_final(begun)) == {"1"}
    old.terminate()
    old.wait()
    assert versions_seen(bench, bench.wait_until_final(bench.submit(clip))) == {"2"}


def test_a_job_of_which_nothing_is_done_begins_anew(bench: Bench, clip: Path) -> None:
    old = bench.start_worker(delay_s=1.0)
    job = bench.submit(clip, min_track_s=1.6)  # so that no line can be read before the last clip
    wait_for(lambda: bench.runs() > 0, "the first clip")
    old.terminate()
    old.wait()
    bench.start_worker(dark=True)
    done = bench.wait_until_final(job)
    assert done.state is JobState.SUCCEEDED
    assert versions_seen(bench, done) == {"2"}
    assert bench.queue.result_summary(job.id)["model"]["version"] == "2"


def test_a_job_that_is_partly_done_waits_for_its_model_and_fails_without(
    bench: Bench, clip: Path
) -> None:
    old = bench.start_worker(delay_s=0.15)
    job = bench.submit(clip)
    wait_until_in_second_segment(bench, job)
    old.terminate()
    old.wait()
    bench.start_worker(dark=True)
    read = [next(bench.queue.frames(job.id, follow=True))]
    with looking_for_orphans(bench, wait_s=120):
        back = bench.start_worker(delay_s=0.5)  # it is stopped before it is done
        wait_for(lambda: bench.queue.get(job.id).frames_ready > SEGMENT_FRAMES, "the worker")
        back.terminate()
        back.wait()
    with looking_for_orphans(bench, wait_s=0.5):
        done = bench.wait_until_final(job)
    assert read[0]
    assert done.failure is not None
    assert done.failure.kind == "ModelGone"
    assert "begun with the model fake 1" in done.failure.message


def test_a_segment_that_was_taken_before_its_job_was_pinned_is_handed_back(
    bench: Bench, clip: Path
) -> None:
    job = bench.submit(clip)
    engine = bench.queue._engine
    table = workflows_of(bench)
    second = table.c.workflow_uuid == workflow_id(job.id, 1)
    with engine.begin() as connection:
        taken = {"status": "PENDING", "application_version": "other"}
        connection.execute(table.update().where(second).values(taken))
    assert JobRecords(engine, runtime="own").take_up(job.id, 0, MODEL) == 1
    with pytest.raises(PinnedElsewhere):
        JobRecords(engine, runtime="other").take_up(job.id, 1, MODEL)
    with engine.connect() as connection:
        columns = (table.c.status, table.c.application_version)
        waiting = connection.execute(sa.select(*columns)).all()
    assert [tuple(row) for row in waiting] == [("ENQUEUED", "own")] * 4
    other = JobRecords(engine, runtime="other")
    assert other.progress(job.id) is None
    assert not other.report(job.id, 0, 5)
    assert not other.finish(job.id, JobState.SUCCEEDED)


def test_a_segment_whose_worker_died_before_it_pinned_the_job_is_done(
    bench: Bench, clip: Path
) -> None:
    job = bench.submit(clip)
    table = workflows_of(bench)
    with bench.queue._engine.begin() as connection:
        first = table.c.workflow_uuid == workflow_id(job.id, 0)
        taken = {"status": "PENDING", "application_version": "gone"}
        connection.execute(table.update().where(first).values(taken))
    bench.start_worker()
    assert bench.wait_until_final(job).state is JobState.SUCCEEDED


def test_a_frozen_worker_does_no_harm_to_a_job_that_began_anew(bench: Bench, clip: Path) -> None:
    frozen = bench.start_worker(delay_s=0.3)
    job = bench.submit(clip)
    wait_for(lambda: bench.runs() > 0, "the first clip")
    frozen.send_signal(signal.SIGSTOP)
    bench.start_worker(dark=True)
    done = bench.wait_until_final(job)
    result = list(bench.queue.frames(job.id))
    frozen.send_signal(signal.SIGCONT)
    wait_for(lambda: len(bench.queue.workers()) == 2, "the frozen worker")
    frozen.terminate()
    frozen.wait()
    assert versions_seen(bench, done) == {"2"}
    assert list(bench.queue.frames(job.id)) == result
    assert bench.queue.get(job.id) == done


def workflows_of(bench: Bench) -> sa.TableClause:
    with bench.queue._engine.connect() as connection:
        return workflows(connection)
