"""The order in which segments are given out, between owners and within one."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest
import sqlalchemy as sa

from jobs.admission import Admission, NewJob
from jobs.database import JOBS, open_database, workflows
from jobs.records import JobRecords
from jobs.values import JobRequest, JobState, Key, Priority
from pipeline.values import VideoInfo
from tests.jobs.conftest import Bench

MODEL = {"name": "fake", "version": "1"}
REQUEST = JobRequest(filename="clip.mp4")
VIDEO = VideoInfo(
    width=64,
    height=48,
    frame_count=3,
    fps=Fraction(25),
    duration_s=0.12,
    rotation=0,
    pixel_aspect=Fraction(1),
    codec="h264",
)


def key(name: str) -> Key:
    return Key(
        name=name,
        max_jobs=None,
        requests_per_minute=None,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        revoked_at=None,
    )


class Board:
    """Jobs of three segments each; `serve` takes up the segment whose place it is."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.waiting: list[tuple[int, str, int]] = []
        self.served: list[str] = []
        self.posted = 0

    def records(self, owner: str) -> JobRecords:
        return JobRecords(self.engine, key(owner))

    def post(self, owner: str, segments: int = 3, priority: Priority = "normal") -> str:
        self.posted += 1
        job_id = f"{owner}{self.posted}"
        job = NewJob(
            id=job_id,
            request=replace(REQUEST, priority=priority),
            video=VIDEO,
            frames_total=segments,
            segments=segments,
        )
        with self.engine.begin() as connection:
            Admission(self.engine, key(owner)).add(connection, job)
        self.waiting += [(self.posted, job_id, number) for number in range(segments)]
        return job_id

    def places(self) -> dict[str, int]:
        """Return the place of each job's first segment."""
        with self.engine.connect() as connection:
            return {
                row.id: row.place for row in connection.execute(sa.select(JOBS.c.id, JOBS.c.place))
            }

    def serve(self, count: int) -> str:
        """Return whose segments were served."""
        served = ""
        for _ in range(count):
            places = self.places()
            place = min(self.waiting, key=lambda each: (places[each[1]] + each[2], each))
            self.waiting.remove(place)
            _, job_id, segment = place
            records = JobRecords(self.engine)
            records.take_up(job_id, segment, MODEL)
            if not any(job_id == other for _, other, _ in self.waiting):
                records.finish(job_id, JobState.SUCCEEDED)
            served += job_id[0]
            self.served.append(job_id)
        return served


@pytest.fixture
def board(database_url: str) -> Iterator[Board]:
    engine = open_database(database_url)
    yield Board(engine)
    engine.dispose()


def test_jobs_of_one_owner_go_in_their_order(board: Board) -> None:
    first, second = board.post("a"), board.post("a")
    assert board.places()[second] == 4
    board.serve(4)
    records = board.records("a")
    assert [records.get(job).state for job in (first, second)] == ["succeeded", "running"]


def test_one_job_waits_for_no_more_than_one_segment_at_a_time_of_many(board: Board) -> None:
    for _ in range(200):
        board.post("a")
    assert board.serve(6) == "aaaaaa"
    board.post("b")
    assert board.serve(7).count("b") == 3


def test_who_comes_late_gains_nothing_by_having_waited(board: Board) -> None:
    board.post("a", 50)
    board.serve(20)
    board.post("b", 50)
    assert abs(board.serve(20).count("b") - 10) <= 1
    board.post("c", 50)
    served = board.serve(30)
    assert all(abs(served.count(owner) - 10) <= 1 for owner in "abc")


def test_turns_begin_anew_when_all_is_done(board: Board) -> None:
    board.post("a")
    board.serve(3)
    second = board.post("b")
    assert board.places()[second] == 1


def test_a_job_goes_before_those_of_its_owner_with_lower_priority(board: Board) -> None:
    normal, low = board.post("a"), board.post("a", priority="low")
    board.serve(1)
    high = board.post("a", priority="high")
    later, second_high = board.post("a"), board.post("a", priority="high")
    order = [*[normal] * 1, *[high] * 3, *[second_high] * 3, *[normal] * 2, *[later] * 3]
    board.serve(14)
    assert board.served == [*order, *[low] * 3]


def test_priority_takes_nothing_from_other_owners(board: Board) -> None:
    board.post("a", 50, priority="low")
    board.post("b", 50)
    board.serve(10)
    for _ in range(5):
        board.post("a", 4, priority="high")
    assert abs(board.serve(20).count("b") - 10) <= 1
    board.post("c", 50)
    served = board.serve(30)
    assert all(abs(served.count(owner) - 10) <= 1 for owner in "abc")


def test_an_urgent_job_overtakes_in_the_queue_of_dbos(bench: Bench, clip: Path) -> None:
    first, second = bench.submit(clip), bench.submit(clip)
    urgent = bench.submit(clip, priority="high")
    with bench.queue._engine.connect() as connection:
        table = workflows(connection)
        query = sa.select(table.c.workflow_uuid).order_by(table.c.priority)
        order = [name.partition("-")[0] for name in connection.execute(query).scalars()]
    assert order == [*[urgent.id] * 4, *[first.id] * 4, *[second.id] * 4]
    bench.start_worker()
    for job in (first, second, urgent):
        bench.wait_until_final(job)
    ends = [bench.queue.get(job.id).finished_at for job in (urgent, first, second)]
    assert ends == sorted(ends, key=str)
