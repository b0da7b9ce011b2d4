"""A finished result as the encoders read it: what it says as a whole, and its frames in order."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePath
from typing import Any

from formats.filenames import safe_name
from pipeline.values import NO_ACTION, SURE_ENOUGH, Action, Rle, Track


@dataclass(frozen=True, kw_only=True)
class ResultObject:
    """One object in one frame; `track` counts from 1, `score` is 0 to 1, `area` pixels of the mask.

    `box` is x, y, width, height in pixels: x + width is one past the last column. `mask` is None
    where the job was asked for none.
    """

    track: int
    score: float
    box: tuple[int, int, int, int]
    area: int
    mask: Rle | None


@dataclass(frozen=True)
class ResultFrame:
    """A frame's objects, largest first; `index` counts from 0, `time_s` from the first frame."""

    index: int
    time_s: float
    objects: tuple[ResultObject, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Result:
    """A finished result; `name` is the video's file name without its ending, safe in a path.

    `width` and `height` are pixels as shown, `frame_count` is that of the whole video, `fps` its
    mean, `tracks` are by rising id. Each call of `lines` reads the frames anew, a JSON object each.
    """

    job: str
    name: str
    model: str
    width: int
    height: int
    frame_count: int
    fps: Fraction
    tracks: tuple[Track, ...]
    lines: Callable[[], Iterable[str]]

    @classmethod
    def of(
        cls, summary: Mapping[str, Any], filename: str, lines: Callable[[], Iterable[str]]
    ) -> "Result":
        """Read a result as docs/api.md describes it; `summary` is all of it but the frames."""
        video, model = summary["video"], summary["model"]
        return cls(
            job=summary["id"],
            name=safe_name(PurePath(filename).stem),
            model=f"{model['name']} {model['version']}",
            width=video["width"],
            height=video["height"],
            frame_count=video["frame_count"],
            fps=Fraction(video["fps"]),
            tracks=tuple(
                Track(
                    id=track["id"],
                    score=track["score"],
                    start=track["start"],
                    stop=track["stop"],
                    actions=tuple(Action(**action) for action in track.get("actions", ())),
                )
                for track in summary["tracks"]
            ),
            lines=lines,
        )

    @property
    def description(self) -> str:
        return f"Job {self.job} of {self.name}, found by {self.model}."

    @property
    def categories(self) -> tuple[str, ...]:
        return ("object",)

    def category_of(self, track: int) -> str:  # noqa: ARG002 - the model tells no kinds apart yet
        return self.categories[0]

    def acting(self) -> dict[int, Action]:
        """Return each track's action by its id, without those that have none sure enough."""
        best = {track.id: track.actions[0] for track in self.tracks if track.actions}
        return {
            id_: action
            for id_, action in best.items()
            if action.label != NO_ACTION and action.score >= SURE_ENOUGH
        }

    def frames(self) -> Iterator[ResultFrame]:
        for line in self.lines():
            frame = json.loads(line)
            objects = tuple(_object(item) for item in frame["objects"])
            yield ResultFrame(frame["index"], frame["time_s"], objects)

    def indices(self) -> range:
        """Return which frames of the video the result holds, at least one."""
        start, step, stop = 0, 1, 0
        for number, frame in enumerate(self.frames()):
            if number == 0:
                start = frame.index
            elif number == 1:
                step = frame.index - start
            stop = frame.index + 1
        return range(start, stop, step)

    def frame_name(self, index: int) -> str:
        """Number a frame with five digits, or more if need be, so that names sort as frames do."""
        return f"{index:0{max(5, len(str(self.frame_count - 1)))}d}"


def _object(item: Mapping[str, Any]) -> ResultObject:
    x, y, width, height = item["box"]
    mask = None
    if segmentation := item.get("segmentation"):
        rows, columns = segmentation["size"]
        mask = Rle(rows, columns, segmentation["counts"])
    return ResultObject(
        track=item["track"],
        score=item["score"],
        box=(x, y, width, height),
        area=item["area"],
        mask=mask,
    )
