"""The values that pass between stages.

Axis letters: T frames, H rows, W columns, C channels or clips, L frames of a clip, N clips at once.
"""

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Instances = Literal["primary", "components"]
Quality = Literal["fast", "best"]
Stage = Literal["decode", "motion", "infer", "postprocess"]
"""The stages that take time: the first two in one thread, the others each in its own."""
Timed = Callable[[Stage], AbstractContextManager[object]]
"""Measures the time that a stage spends in the context; threads may be in it at once."""
Timestamps = Literal["stored", "repaired"]
Fault = Literal["repeated", "damaged"]
"""Of a frame: it repeats the picture before since it has none, or its own is damaged.

Damaged is also what is built on a lost or damaged picture, as far as file and decoder tell.
"""


@dataclass(frozen=True, kw_only=True)
class VideoLimits:
    """The size a video may have; `max_duration_s` is of the whole video, not of the part wanted."""

    max_pixels: int
    max_frames: int
    max_duration_s: float


@dataclass(frozen=True, kw_only=True)
class VideoInfo:
    """A video as it is shown, after rotation: width and height in stored pixels, mean fps.

    `rotation` is 0, 90, 180 or 270 degrees clockwise, before mirroring left to right;
    `pixel_aspect` is a pixel's width over its height. Timestamps are `repaired` where the file's
    are missing or contradict what decodes: frames then come as they decode, at rising times.
    """

    width: int
    height: int
    frame_count: int
    fps: Fraction
    duration_s: float
    rotation: int
    mirrored: bool = False
    pixel_aspect: Fraction
    codec: str
    timestamps: Timestamps = "stored"


@dataclass(frozen=True, kw_only=True)
class ScannedVideo:
    """A video whose frames have been listed, so that decoding can start at any of `starts`.

    `timestamps` (T,) and `starts` (S,) int64 rise. `numbers` (T,) int64 are the packets that hold
    the frames, counted from 0; None where the container can be sought by `timestamps`. `max_pixels`
    is the limit that the scan was given, for frames that turn out larger later.
    """

    info: VideoInfo
    timestamps: NDArray[np.int64]
    time_base: Fraction
    starts: NDArray[np.int64]
    numbers: NDArray[np.int64] | None
    max_pixels: int

    @property
    def seekable(self) -> bool:
        return self.numbers is None

    @property
    def longest_run(self) -> int:
        """The most frames that must be decoded from a start to the one before the next."""
        ends = np.append(self.starts[1:], self.info.frame_count)
        return int((ends - self.starts).max())

    def start_before(self, index: int) -> int:
        """Return the last frame up to this one that decoding can start at."""
        return int(self.starts[np.searchsorted(self.starts, index, side="right") - 1])

    def time_s(self, index: int) -> float:
        """Return when a frame is shown, seconds after the first one."""
        return float((int(self.timestamps[index]) - int(self.timestamps[0])) * self.time_base)


@dataclass(frozen=True)
class Frame:
    """A decoded frame (H, W, 3) uint8 RGB, after rotation; `time_s` is from the first frame on."""

    index: int
    time_s: float
    pixels: NDArray[np.uint8]
    fault: Fault | None = None


@dataclass(frozen=True)
class Rle:
    """A mask in COCO's run lengths: column by column, the first run counts zeros."""

    height: int
    width: int
    counts: str


NO_ACTION = "none"
"""The label of what moves but isn't a person who does one of the actions."""

SURE_ENOUGH = 0.4
"""The score from which an action is named where people look, and in formats that hold one only.

Of held-out clips that are told an action, three in four are right from here on, and one in three
below.
"""


@dataclass(frozen=True)
class Action:
    """What an object does, with the probability of it, 0 to 1."""

    label: str
    score: float


@dataclass(frozen=True, kw_only=True)
class SegmentedObject:
    """One object in one frame; its mask and its box (x, y, width, height) are in source pixels.

    `score` is the mean foreground probability inside the mask, 0 to 1; `track` counts from 1, and
    is None before linking; `actions` are log-probabilities, empty where they weren't asked for.
    """

    mask: Rle
    box: tuple[int, int, int, int]
    area: int
    score: float
    track: int | None = None
    actions: Mapping[str, float] = field(default_factory=dict)

    @property
    def action(self) -> Action | None:
        """The most probable action; None where actions weren't asked for."""
        if not self.actions:
            return None
        label = max(self.actions, key=lambda label: self.actions[label])
        return Action(label, min(1.0, math.exp(self.actions[label])))


@dataclass(frozen=True)
class SegmentedFrame:
    """The objects of one frame, largest first, and the cuts since the frame before it."""

    index: int
    time_s: float
    objects: tuple[SegmentedObject, ...] = field(default=())
    fault: Fault | None = None
    cuts: tuple[int, ...] = ()


@dataclass(frozen=True)
class Shot:
    """Frames of the source video between two cuts, of those that were asked for."""

    start: int
    stop: int


@dataclass(frozen=True, kw_only=True)
class Track:
    """One object through a shot, from frame `start` to before `stop`; ids count from 1.

    `score` is the mean over its frames. A gap in `lost` is the first frame without it and the one
    that holds it again. `actions` are of all its frames, the most probable first.
    """

    id: int
    score: float
    start: int
    stop: int
    lost: tuple[tuple[int, int], ...] = ()
    actions: tuple[Action, ...] = ()
