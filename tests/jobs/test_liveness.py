"""Heartbeats, and the private function of DBOS that the takeover calls."""

import inspect
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from dbos import DBOS

from jobs.database import WORKERS, now, open_database
from jobs.liveness import DEAD_AFTER_S, WorkerRegister
from jobs.values import Worker

WORKER = Worker(
    id="a", device="cpu", provider="Fake", model="fake", model_version="1", card={"labels": ["run"]}
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


def test_dbos_still_recovers_by_executor() -> None:
    # What it does is proved where workers are killed; this names the cause if it goes away.
    parameters = inspect.signature(DBOS._recover_pending_workflows).parameters
    assert list(parameters) == ["executor_ids"]
