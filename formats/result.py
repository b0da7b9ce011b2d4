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
    """One object in one frame.

    Attributes:
        track: its id through the video, from 1.
        score: 0 to 1.
        box: x, y, width, height in pixels; x + width is one past the last column.
        area: pixels in the mask.
        mask: None where the job was asked for none.
    """

    track: int
    score: float
    box: tuple[int, int, int, int]
    area: int
    mask: Rle | None


@dataclass(frozen=True)
class ResultFrame:
    """The objects of one frame.

    Attributes:
        index: 0-based in the source video.
        time_s: when it is shown, seconds after the first frame.
        objects: largest first.
    """

    index: int
    time_s: float
    objects: tuple[ResultObject, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Result:
    """A finished result.

    Attributes:
        name: of the video: its file's name without the ending; a component of a path.
        width: of the frames as they are shown, pixels.
        height: likewise.
        frame_count: frames of the whole video, also where fewer were asked for.
        fps: mean frames a second.
        tracks: by rising id.
        lines: reads the frames, a JSON object each, anew each time it is called.
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
        """Read a result as docs/api.md describes it.

        Args:
            summary: all of it but the frames.
        """
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
        """What it is and where it comes from, for people."""
        return f"Job {self.job} of {self.name}, found by {self.model}."

    @property
    def categories(self) -> tuple[str, ...]:
        """The names of what tracks can be, in the order of their numbers from 1."""
        return ("object",)

    def category_of(self, track: int) -> str:  # noqa: ARG002 - the model tells no kinds apart yet
        return self.categories[0]

    def acting(self) -> dict[int, Action]:
        """Return what tracks do, by their id.

        Those that do none of the actions, or of which it isn't sure enough, are left out.
        """
        best = {track.id: track.actions[0] for track in self.tracks if track.actions}
        return {
            id_: action
            for id_, action in best.items()
            if action.label != NO_ACTION and action.score >= SURE_ENOUGH
        }

    def frames(self) -> Iterator[ResultFrame]:
        """Read the frames that were asked for, from the first one."""
        for line in self.lines():
            frame = json.loads(line)
            objects = tuple(_object(item) for item in frame["objects"])
            yield ResultFrame(frame["index"], frame["time_s"], objects)

    def indices(self) -> range:
        """Return which frames of the video it holds, at least one."""
        start, step, stop = 0, 1, 0
        for number, frame in enumerate(self.frames()):
            if number == 0:
                start = frame.index
            elif number == 1:
                step = frame.index - start
            stop = frame.index + 1
        return range(start, stop, step)

    def frame_name(self, index: int) -> str:
        """Name a frame so that names sort as the frames do: five digits, or more if need be."""
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
