"""The order in which segments are given out, between owners and within one."""

from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction

import pytest
import sqlalchemy as sa

from jobs.admission import Admission, NewJob
from jobs.database import open_database
from jobs.records import JobRecords
from jobs.values import JobRequest, JobState, Key
from pipeline.values import VideoInfo

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
    """Jobs of three segments each; `serve` takes up the segment whose turn it is."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.waiting: list[tuple[int, int, str, int]] = []
        self.posted = 0

    def records(self, owner: str) -> JobRecords:
        return JobRecords(self.engine, key(owner))

    def post(self, owner: str, segments: int = 3) -> str:
        self.posted += 1
        job_id = f"{owner}{self.posted}"
        with self.engine.begin() as connection:
            job = NewJob(
                id=job_id, request=REQUEST, video=VIDEO, frames_total=segments, segments=segments
            )
            turn = Admission(self.engine, key(owner)).add(connection, job)
        self.waiting += [(turn + n, self.posted, job_id, n) for n in range(segments)]
        return job_id

    def serve(self, count: int) -> str:
        """Return whose segments were served."""
        served = ""
        for _ in range(count):
            turn = min(self.waiting)
            self.waiting.remove(turn)
            _, _, job_id, segment = turn
            records = JobRecords(self.engine)
            records.take_up(job_id, segment, MODEL)
            if not any(job_id == other for _, _, other, _ in self.waiting):
                records.finish(job_id, JobState.SUCCEEDED)
            served += job_id[0]
        return served


@pytest.fixture
def board(database_url: str) -> Iterator[Board]:
    engine = open_database(database_url)
    yield Board(engine)
    engine.dispose()


def test_jobs_of_one_owner_go_in_their_order(board: Board) -> None:
    first, second = board.post("a"), board.post("a")
    assert board.waiting[-1][0] == 6
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
    board.post("b")
    assert board.waiting[0][0] == 1
