"""A result: its video and tracks, and the objects of each frame with their masks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rotograph import pictures, rle

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Video:
    """A video as it is shown, after rotation.

    Its stored pictures were turned clockwise by `rotation` degrees, then mirrored left to right if
    `mirrored`. `fps` is exact, the mean where the rate varies; `pixel_aspect` is a pixel's width
    over its height; `timestamps` are `stored`, or `repaired` where they were wrong.
    """

    width: int
    height: int
    frame_count: int
    fps: Fraction
    duration_s: float
    rotation: int
    mirrored: bool
    pixel_aspect: Fraction
    timestamps: str

    @classmethod
    def from_json(cls, body: Body) -> "Video":
        return cls(
            width=body["width"],
            height=body["height"],
            frame_count=body["frame_count"],
            fps=Fraction(body["fps"]),
            duration_s=body["duration_s"],
            rotation=body["rotation"],
            mirrored=body.get("mirrored", False),  # results of older versions don't tell
            pixel_aspect=Fraction(body.get("pixel_aspect", 1)),
            timestamps=body.get("timestamps", "stored"),
        )


@dataclass(frozen=True)
class Model:
    """The model that made a result."""

    name: str
    version: str


@dataclass(frozen=True)
class Action:
    """What an object does; `none` is what isn't one of the model's actions."""

    label: str
    score: float


@dataclass(frozen=True)
class Shot:
    """The frames between two cuts, from `start` to before `stop`."""

    start: int
    stop: int

    @classmethod
    def from_json(cls, body: Body) -> "Shot":
        return cls(body["start"], body["stop"])


@dataclass(frozen=True)
class Track:
    """One object through a shot, in frames from `start` to before `stop`; `score` is 0 to 1.

    `actions` are the most probable first, empty where none are predicted; `lost` are the gaps in
    which it isn't seen: the first frame, and the one that holds it again.
    """

    id: int
    score: float
    start: int
    stop: int
    actions: tuple[Action, ...] = ()
    lost: tuple[tuple[int, int], ...] = ()

    @classmethod
    def from_json(cls, body: Body) -> "Track":
        actions = tuple(_action(each) for each in body.get("actions") or ())
        lost = tuple((gap["start"], gap["stop"]) for gap in body.get("lost") or ())
        return cls(body["id"], body["score"], body["start"], body["stop"], actions, lost)


@dataclass(frozen=True)
class Segmentation:
    """A mask as COCO run lengths, compressed."""

    height: int
    width: int
    counts: str

    @classmethod
    def from_json(cls, body: Body) -> "Segmentation":
        height, width = body["size"]
        return cls(height, width, body["counts"])


@dataclass(frozen=True)
class Object:
    """One object in one frame: `score` is 0 to 1, `area` and `box` (x, y, width, height) in pixels.

    `action` is the most probable in this frame, `segmentation` the mask as it was sent: None where
    the job was asked for none.
    """

    track: int
    score: float
    box: tuple[int, int, int, int]
    area: int
    action: Action | None = None
    segmentation: Segmentation | None = field(default=None, repr=False)

    @classmethod
    def from_json(cls, body: Body) -> "Object":
        x, y, width, height = body["box"]
        action, mask = body.get("action"), body.get("segmentation")
        return cls(
            track=body["track"],
            score=body["score"],
            box=(x, y, width, height),
            area=body["area"],
            action=None if action is None else _action(action),
            segmentation=None if mask is None else Segmentation.from_json(mask),
        )

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The mask (H, W) bool, decoded anew each time; ValueError for a job without masks."""
        if self.segmentation is None:
            raise ValueError("The object's job must have masks='rle', got masks='none'.")
        mask = self.segmentation
        return rle.decode(mask.height, mask.width, mask.counts)


@dataclass(frozen=True)
class Frame:
    """The objects of frame `index`, largest first; `time_s` is seconds after the first frame.

    A frame that can't be decoded has those of the one before (`repeated`); a `damaged` one is built
    on a damaged or lost picture; with a `cut` a shot begins here, or since the one before.
    """

    index: int
    time_s: float
    objects: tuple[Object, ...]
    repeated: bool = False
    damaged: bool = False
    cut: bool = False

    @classmethod
    def from_json(cls, body: Body) -> "Frame":
        return cls(
            index=body["index"],
            time_s=body["time_s"],
            objects=tuple(Object.from_json(each) for each in body["objects"]),
            repeated=body.get("repeated", False),
            damaged=body.get("damaged", False),
            cut=body.get("cut", False),
        )

    def masks(self) -> list[tuple[int, NDArray[np.bool_]]]:
        """Return each object's track and mask, largest object first."""
        return [(each.track, each.mask) for each in self.objects if each.segmentation]

    def _repr_png_(self) -> bytes | None:
        masks = self.masks()
        return (
            pictures.png(pictures.tinted(pictures.blank(*masks[0][1].shape), masks))
            if masks
            else None
        )


@dataclass(frozen=True)
class Result:
    """A whole result: each frame that was asked for; `source` is the video's file, where known."""

    id: str
    model: Model
    video: Video
    tracks: tuple[Track, ...]
    frames: tuple[Frame, ...] = field(repr=False)
    source: Path | None = None
    shots: tuple[Shot, ...] = ()

    @classmethod
    def from_json(cls, body: Body, source: Path | None = None) -> "Result":
        return cls(
            id=body["id"],
            model=Model(body["model"]["name"], body["model"]["version"]),
            video=Video.from_json(body["video"]),
            tracks=tuple(Track.from_json(each) for each in body["tracks"]),
            frames=tuple(Frame.from_json(each) for each in body["frames"]),
            source=source,
            shots=tuple(Shot.from_json(each) for each in body.get("shots", ())),  # none in old ones
        )

    @classmethod
    def read(cls, path: str | Path, source: Path | None = None) -> "Result":
        """Read a file that was downloaded as `json`."""
        return cls.from_json(json.loads(Path(path).read_bytes()), source)

    def _repr_png_(self) -> bytes | None:
        if not self.frames:
            return None
        frames = [self.frames[place] for place in pictures.chosen(len(self.frames))]
        size = self.video.height, self.video.width
        behind = [pictures.blank(*size)] * len(frames)
        if self.source is not None:
            times = [frame.time_s for frame in frames]
            video = self.video
            found = list(pictures.stills(self.source, times, video.rotation, video.mirrored))
            behind = [each for each in found if each.shape[:2] == size] or behind
        drawn = [pictures.tinted(b, f.masks()) for b, f in zip(behind, frames, strict=True)]
        return pictures.png(pictures.sheet(drawn))


def _action(body: Body) -> Action:
    return Action(body["label"], body["score"])
