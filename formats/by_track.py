"""The objects of a result track by track, for formats that list each track as a whole."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from formats.result import ResultFrame, ResultObject
from pipeline.values import Rle


@dataclass(frozen=True)
class Sighting:
    """One object in frame `index`, the `position`-th (from 0) of the result."""

    position: int
    index: int
    found: ResultObject


class ByTrack(AbstractContextManager["ByTrack"]):
    """The objects of a result by track, in a temporary database: they may exceed memory."""

    def __init__(self) -> None:
        self.frame_count = 0
        self.step = 1
        # Answers are streamed by one thread at a time, but not always by the same.
        self._database = sqlite3.connect("", check_same_thread=False)
        self._database.execute(
            "CREATE TABLE sighting (track INTEGER, position INTEGER, frame INTEGER, found TEXT,"
            " PRIMARY KEY (track, position))"
        )

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def passing(self, frames: Iterable[ResultFrame]) -> Iterator[ResultFrame]:
        first = 0
        for frame in frames:
            if self.frame_count == 0:
                first = frame.index
            elif self.frame_count == 1:
                self.step = frame.index - first
            self._database.executemany(
                "INSERT INTO sighting VALUES (?, ?, ?, ?)",
                [
                    (found.track, self.frame_count, frame.index, _write(found))
                    for found in frame.objects
                ],
            )
            self.frame_count += 1
            yield frame

    def sightings(self, track: int) -> Iterator[Sighting]:
        rows = self._database.execute(
            "SELECT position, frame, found FROM sighting WHERE track = ? ORDER BY position",
            (track,),
        )
        return (Sighting(position, frame, _read(track, found)) for position, frame, found in rows)


def _write(found: ResultObject) -> str:
    mask = None if found.mask is None else [found.mask.height, found.mask.width, found.mask.counts]
    return json.dumps([found.score, found.box, found.area, mask])


def _read(track: int, text: str) -> ResultObject:
    score, (x, y, width, height), area, mask = json.loads(text)
    return ResultObject(
        track=track,
        score=score,
        box=(x, y, width, height),
        area=area,
        mask=None if mask is None else Rle(*mask),
    )
