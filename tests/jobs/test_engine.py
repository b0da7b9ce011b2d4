"""The queue without a worker: submit, list, cancel, delete."""

import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from jobs.database import LABELS, open_database
from jobs.errors import BadCursor, IdempotencyConflict, JobNotFinished, JobNotFound
from jobs.records import JobRecords
from jobs.values import Idempotency, JobFilter, JobState, Load
from pipeline.errors import SelectionError
from tests.jobs.conftest import Bench


def test_submitted_job_is_queued_with_what_was_asked_for(bench: Bench, clip: Path) -> None:
    job = bench.submit(clip, threshold=0.25, every=7, instances="components", masks="none")
    assert bench.queue.get(job.id) == job
    assert job.state is JobState.QUEUED
    assert (job.frames_done, job.frames_total) == (0, 7)
    assert (job.started_at, job.finished_at, job.failure) == (None, None, None)
    assert (job.request.threshold, job.request.instances) == (0.25, "components")
    assert (job.video.width, job.video.fps) == (64, job.video.fps.__class__(30000, 1001))
    with pytest.raises(JobNotFinished, match="0 of 7 frames"):
        bench.queue.result_summary(job.id)


def test_request_sent_again_is_the_same_job(bench: Bench, clip: Path) -> None:
    sent = Idempotency("key", "fingerprint")
    assert bench.queue.repeated(sent) is None
    job = bench.submit(clip, idempotency=sent)
    assert bench.queue.repeated(sent) == job
    assert bench.submit(clip, idempotency=sent) == job
    assert len(bench.queue.list()[0]) == 1
    assert len(list((bench.data_dir / "jobs").iterdir())) == 1
    with pytest.raises(IdempotencyConflict, match="'key'"):
        bench.submit(clip, idempotency=Idempotency("key", "another"))
    bench.queue.delete(job.id)
    assert bench.submit(clip, idempotency=sent).id != job.id


def test_unknown_job_is_not_found(bench: Bench) -> None:
    for call in (
        bench.queue.get,
        bench.queue.cancel,
        bench.queue.delete,
        bench.queue.result_summary,
        bench.queue.frames,
    ):
        with pytest.raises(JobNotFound, match="no-such-id"):
            call("no-such-id")


def test_empty_selection_leaves_nothing(bench: Bench, clip: Path) -> None:
    with pytest.raises(SelectionError):
        bench.submit(clip, start_s=1000.0)
    assert bench.queue.list() == ([], None, 0)
    assert [path for path in bench.data_dir.rglob("*") if path.name == "upload"] == []
    assert not any((bench.data_dir / "uploads").iterdir())


def test_pages_don_t_move_while_jobs_are_added(bench: Bench, clip: Path) -> None:
    jobs = [bench.submit(clip).id for _ in range(5)]
    page, cursor, total = bench.queue.list(limit=2)
    assert [job.id for job in page] == [jobs[4], jobs[3]]
    bench.submit(clip)
    bench.queue.delete(jobs[3])
    page, cursor, total = bench.queue.list(limit=2, cursor=cursor)
    assert [job.id for job in page] == [jobs[2], jobs[1]]
    page, cursor, total = bench.queue.list(limit=2, cursor=cursor)
    assert [job.id for job in page] == [jobs[0]]
    assert (cursor, total) == (None, 5)


def test_list_of_some_states(bench: Bench, clip: Path) -> None:
    first, second, third = (bench.submit(clip) for _ in range(3))
    canceled = bench.queue.cancel(second.id)
    assert bench.queue.list(JobFilter(states=[JobState.CANCELED])) == ([canceled], None, 1)
    waiting = JobFilter(states=[JobState.QUEUED])
    queued, cursor, total = bench.queue.list(waiting, limit=1)
    assert ([job.id for job in queued], total) == ([third.id], 2)
    queued, cursor, total = bench.queue.list(waiting, limit=1, cursor=cursor)
    assert ([job.id for job in queued], total) == ([first.id], 2)
    assert cursor is None
    assert bench.queue.list(JobFilter(states=list(JobState))).total == 3
    assert bench.queue.queue_depth() == 2


def test_list_of_some_time(bench: Bench, clip: Path) -> None:
    first, second, third = (bench.submit(clip) for _ in range(3))
    between = JobFilter(created_after=second.created_at, created_before=third.created_at)
    assert [job.id for job in bench.queue.list(between).jobs] == [second.id]
    later = JobFilter(created_after=second.created_at)
    assert [job.id for job in bench.queue.list(later).jobs] == [third.id, second.id]
    earlier = JobFilter(created_before=second.created_at)
    assert [job.id for job in bench.queue.list(earlier).jobs] == [first.id]


def test_jobs_are_found_by_their_labels_until_they_are_deleted(bench: Bench, clip: Path) -> None:
    cat = bench.submit(clip, labels={"kind": "cat", "by": "ada: 'x' -- \u00e9"})
    dog = bench.submit(clip, labels={"kind": "dog"})
    bench.submit(clip)

    def found(**labels: str) -> list[str]:
        return [job.id for job in bench.queue.list(JobFilter(labels=labels)).jobs]

    assert bench.queue.get(cat.id).request.labels == {"kind": "cat", "by": "ada: 'x' -- \u00e9"}
    assert found(kind="cat") == found(kind="cat", by="ada: 'x' -- \u00e9") == [cat.id]
    assert found(kind="dog") == [dog.id]
    assert found(kind="dog", by="ada: 'x' -- \u00e9") == found(kind="Cat") == []
    bench.queue.delete(cat.id)
    assert found(kind="cat") == []
    with bench.queue._engine.connect() as connection:
        assert connection.execute(sa.select(LABELS.c.value)).scalars().all() == ["dog"]


def test_the_load_counts_what_waits_and_since_when(bench: Bench, clip: Path) -> None:
    assert bench.queue.load() == Load(queued=0, running=0, oldest_queued_s=0.0)
    first, second = bench.submit(clip), bench.submit(clip)
    time.sleep(0.05)
    load = bench.queue.load()
    assert (load.queued, load.running) == (2, 0)
    assert 0.05 <= load.oldest_queued_s < 60
    bench.queue.cancel(first.id)
    engine = open_database(bench.database_url)
    assert JobRecords(engine).take_up(second.id, 0, {}) == 1
    engine.dispose()
    load = bench.queue.load()
    assert (load.queued, load.running, load.oldest_queued_s) == (0, 1, 0.0)


@pytest.mark.parametrize("cursor", ["", "!", "zzzz", "ä", "LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk"])
def test_made_up_cursor_is_refused(bench: Bench, cursor: str) -> None:
    with pytest.raises(BadCursor, match="cursor"):
        bench.queue.list(cursor=cursor)


def test_canceled_job_is_not_given_to_a_worker(bench: Bench, clip: Path) -> None:
    canceled, following = bench.submit(clip), bench.submit(clip, every=8)
    bench.queue.cancel(canceled.id)
    bench.start_worker()
    assert bench.wait_until_final(following).state is JobState.SUCCEEDED
    assert bench.queue.get(canceled.id).started_at is None
    bench.queue.delete(canceled.id)
    assert [job.id for job in bench.queue.list()[0]] == [following.id]
