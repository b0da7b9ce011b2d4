"""A database server that goes away while a job runs, and a disk that is full."""

import errno
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from jobs.failure import TRIES, RetryPolicy, failure_of
from jobs.values import JobState
from pipeline.errors import BrokenVideo
from tests.jobs.conftest import Bench, wait_for
from tests.postgres import PostgresServer


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of this test's own, since the test stops it."""
    with PostgresServer() as server:
        yield server


def test_job_outlives_a_restart_of_the_database(
    server: PostgresServer, tmp_path: Path, clip: Path
) -> None:
    bench = Bench(tmp_path / "data", server.new_database())
    bench.start_worker(delay_s=0.3)
    undisturbed = bench.wait_until_final(bench.submit(clip))
    job = bench.submit(clip)
    runs = bench.runs()
    wait_for(lambda: bench.runs() > runs, "the first clip")
    server.stop()
    time.sleep(5)
    server.start()

    def final() -> bool:
        try:
            return bench.queue.get(job.id).state.final
        except sa.exc.OperationalError:
            return False

    wait_for(final, "the end of the job", timeout_s=120)
    assert bench.queue.get(job.id).state is JobState.SUCCEEDED
    assert list(bench.queue.frames(job.id)) == list(bench.queue.frames(undisturbed.id))
    bench.close()


def test_an_outage_is_waited_for_and_other_errors_are_tried_a_few_times() -> None:
    outage = sa.exc.OperationalError("SELECT 1", {}, Exception("connection refused"))
    policy = RetryPolicy()
    assert all(policy.should_retry(outage) for _ in range(100))
    assert [policy.should_retry(OSError()) for _ in range(TRIES)] == [True] * (TRIES - 1) + [False]
    assert not RetryPolicy().should_retry(BrokenVideo("It can't be decoded."))


def test_a_full_disk_is_told() -> None:
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    assert failure_of(sa.exc.OperationalError("UPDATE", {}, full), {}).kind == "StorageFull"
    away = sa.exc.OperationalError("UPDATE", {}, Exception("connection refused"))
    assert failure_of(away, {}).kind == "DatabaseAway"
    failure = failure_of(OSError(errno.ENOSPC, "No space left on device", "/secret/path"), {})
    assert (failure.kind, failure.message) == ("StorageFull", "The data volume is full.")
