"""What the workers wrote of their segments: which process took up which of them, and when."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

TAKING_OVER = "taking over from dead workers"


@dataclass(frozen=True)
class TakenUp:
    """A segment taken up, at seconds since 1970."""

    at: float
    pid: int
    job: str
    segment: int


class SegmentLog:
    """The log of some workers, of which lines that are no JSON are passed over."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def ready(self) -> frozenset[int]:
        """Return the ids of the processes that have begun to take up segments, dead ones too."""
        return frozenset(pid for pid, line in self._lines() if line["event"] == "worker runs")

    def taken_up(self) -> Sequence[TakenUp]:
        """Return the segments as they were taken up, in that order."""
        return [
            TakenUp(_seconds(line["time"]), pid, line["job"], line["segment"])
            for pid, line in self._lines()
            if line["event"] == "took up a segment"
        ]

    def seconds_until_taken_over(self, pid: int, killed_at: float) -> float | None:
        """Return how long others took to take over from a killed worker; None for nothing."""
        lines = self._lines()
        (name,) = (
            line["worker"] for its, line in lines if its == pid and line["event"] == "worker runs"
        )
        taken = [
            _seconds(line["time"]) - killed_at
            for _, line in lines
            if line["event"] == TAKING_OVER and name in line["workers"].split(",")
        ]
        return min(taken, default=None)

    def given_up_on(self) -> int:
        """Return how often a worker took over from one that it took for dead."""
        return sum(line["event"] == TAKING_OVER for _, line in self._lines())

    def _lines(self) -> Sequence[tuple[int, dict[str, Any]]]:
        lines = self._log.read_text(errors="replace").splitlines()
        return [(pid, line) for line in map(_parsed, lines) if (pid := _worker(line)) is not None]


def seconds_until_taken_up_again(
    taken_up: Sequence[TakenUp], pid: int, killed_at: float
) -> float | None:
    """Return how long a killed worker's segment lay; None if it had none, or had ended it."""
    own = [each for each in taken_up if each.pid == pid]
    if not own:
        return None
    last = max(own, key=lambda each: each.at)
    again = [
        each.at - killed_at
        for each in taken_up
        if (each.job, each.segment) == (last.job, last.segment) and each.at > last.at
    ]
    return min(again, default=None)


def _parsed(line: str) -> dict[str, Any]:
    try:
        parsed = json.loads(line)
    except ValueError:  # of the API, or cut off by a kill
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _worker(line: dict[str, Any]) -> int | None:
    kind, _, pid = str(line.get("process_name", "")).partition("-")
    return int(pid) if kind == "worker" and pid.isdecimal() else None


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
