"""Heartbeats, who may judge by them, and the private function of DBOS that the takeover calls."""

import inspect
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from dbos import DBOS

from jobs.database import WORKERS, now, open_database
from jobs.liveness import DEAD_AFTER_S, WorkerRegister
from jobs.values import JobState, Worker
from tests.jobs.conftest import Bench, wait_for

WORKER = Worker(
    id="a",
    device="cpu",
    provider="Fake",
    model="fake",
    model_version="1",
    runtime="r",
    card={"labels": ["run"]},
)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    engine = open_database(database_url)
    yield engine
    engine.dispose()


def test_worker_lives_from_its_beat_until_it_retires(engine: sa.Engine) -> None:
    register = WorkerRegister(engine)
    assert register.live() == []
    register.beat(WORKER)
    register.beat(WORKER)
    assert register.live() == [WORKER]
    register.retire(WORKER)
    assert register.live() == []


def test_worker_without_a_beat_is_dead_until_the_next(engine: sa.Engine) -> None:
    register = WorkerRegister(engine)
    register.beat(WORKER)
    with engine.begin() as connection:
        connection.execute(WORKERS.update().values(seen_at=now(engine) - DEAD_AFTER_S - 1))
    assert register.live() == []
    register.beat(WORKER)
    assert register.live() == [WORKER]


def test_clock_counts_seconds(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        first, second = (connection.execute(sa.select(now(engine))).scalar_one() for _ in range(2))
    assert 1.7e9 < first <= second < 1e10


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_workers_that_slept_do_not_take_each_other_for_dead(bench: Bench, clip: Path) -> None:
    workers = [bench.start_worker(delay_s=0.5) for _ in range(2)]
    wait_for(lambda: len(bench.queue.workers()) == 2, "two workers")
    job = bench.submit(clip)
    wait_for(lambda: len(bench.lines_about(job)) >= 2, "a segment for each worker")
    for worker in workers:
        worker.send_signal(signal.SIGSTOP)
    wait_for(lambda: not bench.queue.workers(), "workers that seem dead")
    first, second = workers
    first.send_signal(signal.SIGCONT)
    wait_for(lambda: len(bench.queue.workers()) == 1, "the first one awake")
    time.sleep(1)
    second.send_signal(signal.SIGCONT)
    assert bench.wait_until_final(job).state is JobState.SUCCEEDED
    log = (bench.data_dir / "worker.log").read_text()
    assert log.count("took up a segment") == 4
    assert "taking over from dead workers" not in log


def test_dbos_still_recovers_by_executor() -> None:
    # What it does is proved where workers are killed; this names the cause if it goes away.
    parameters = inspect.signature(DBOS._recover_pending_workflows).parameters
    assert list(parameters) == ["executor_ids"]
