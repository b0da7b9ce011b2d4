"""Jobs that get the result of a finished one, and those that don't."""

import json
from datetime import UTC, datetime
from pathlib import Path

from jobs.engine import JobQueue
from jobs.liveness import WorkerRegister
from jobs.values import Idempotency, JobRequest, JobState, Key, Worker
from pipeline.media.decode import scan
from tests.jobs.conftest import LIMITS, Bench

SAME = "0" * 64


def key(name: str) -> Key:
    made = datetime(2026, 1, 1, tzinfo=UTC)
    return Key(name=name, max_jobs=None, requests_per_minute=None, created_at=made, revoked_at=None)


def test_the_same_gets_a_copy_of_the_result_without_work(bench: Bench, clip: Path) -> None:
    bench.start_worker()
    first = bench.wait_until_final(bench.submit(clip, sha256=SAME, threshold=0.25))
    runs = bench.runs()
    second = bench.submit(clip, sha256=SAME, threshold=0.25, start_s=0.0)
    assert (second.state, second.copied_from) == (JobState.SUCCEEDED, first.id)
    assert (second.frames_done, second.frames_total) == (48, 48)
    assert second.started_at is not None
    assert bench.runs() == runs
    assert list(bench.queue.frames(second.id)) == list(bench.queue.frames(first.id))
    summary = bench.queue.result_summary(first.id)
    assert bench.queue.result_summary(second.id) == summary | {"id": second.id}

    bench.queue.delete(first.id)
    assert len(list(bench.queue.frames(second.id))) == 48
    third = bench.submit(clip, sha256=SAME, threshold=0.25)
    assert third.copied_from == second.id
    bench.queue.delete(second.id)
    bench.queue.delete(third.id)
    assert list((bench.data_dir / "jobs").iterdir()) == []


def test_what_differs_is_worked_on(bench: Bench, clip: Path) -> None:
    bench.start_worker()
    done = bench.wait_until_final(bench.submit(clip, sha256=SAME, every=8))
    assert bench.submit(clip, sha256=SAME, every=8).copied_from == done.id
    for job in (
        bench.submit(clip, sha256="1" * 64, every=8),
        bench.submit(clip, sha256=SAME, every=4),
        bench.submit(clip, sha256=SAME, every=8, masks="none"),
        bench.submit(clip, sha256=SAME, every=8, fresh=True),
        bench.submit(clip, every=8),
    ):
        assert (job.state, job.copied_from) == (JobState.QUEUED, None)
        bench.queue.cancel(job.id)


def test_another_runtime_or_none_works_anew(bench: Bench, clip: Path) -> None:
    worker = bench.start_worker()
    bench.wait_until_final(bench.submit(clip, sha256=SAME, every=8))
    worker.terminate()
    worker.wait()
    assert bench.queue.workers() == []
    assert bench.submit(clip, sha256=SAME, every=8).state is JobState.QUEUED
    register = WorkerRegister(bench.queue._engine)
    register.beat(
        Worker(
            id="w", device="cpu", provider="CPU", model="fake", model_version="1", runtime="other"
        )
    )
    assert bench.submit(clip, sha256=SAME, every=8).state is JobState.QUEUED


def test_nobody_gets_the_result_of_another_owner(bench: Bench, clip: Path) -> None:
    def submit(queue: JobQueue) -> str | None:
        job_id = bench.store.new_id()
        bench.store.incoming(job_id).write_bytes(clip.read_bytes())
        video = scan(clip, LIMITS)
        request = JobRequest(filename="clip.mp4", every=8)
        job = queue.submit(job_id, request, video, sha256=SAME)
        bench.wait_until_final(job)
        return job.copied_from

    bench.start_worker()
    ada, bob = (bench.queue.owned_by(key(name)) for name in ("ada", "bob"))
    assert submit(ada) is None
    assert submit(bob) is None
    assert submit(ada) is not None


def test_a_copy_whose_original_goes_away_meanwhile_is_worked_on(bench: Bench, clip: Path) -> None:
    bench.start_worker()
    done = bench.wait_until_final(bench.submit(clip, sha256=SAME))
    bench.store.remove(bench.store.summary(done.id))
    job = bench.submit(clip, sha256=SAME)
    assert job.copied_from is None
    assert bench.wait_until_final(job).state is JobState.SUCCEEDED
    indices = [json.loads(line)["index"] for line in bench.queue.frames(job.id)]
    assert indices == list(range(48))


def test_a_copy_has_its_own_idempotency_key_and_webhook(bench: Bench, clip: Path) -> None:
    bench.start_worker()
    done = bench.wait_until_final(bench.submit(clip, sha256=SAME, every=8))
    sent = Idempotency("key", "fingerprint")
    url = "https://example.org/hook"
    job = bench.submit(clip, sha256=SAME, every=8, idempotency=sent, callback_url=url)
    assert job.copied_from == done.id
    assert bench.submit(clip, sha256=SAME, every=8, idempotency=sent).id == job.id
    with bench.queue._engine.connect() as connection:
        query = "SELECT job_id, due_at IS NOT NULL FROM callbacks"
        assert connection.exec_driver_sql(query).all() in ([(job.id, 1)], [(job.id, True)])
