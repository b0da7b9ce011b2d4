"""The values that pass between stages.

Axis letters, everywhere in the project: T frames, H rows, W columns, C channels (or clips, where
clips are listed), L frames in a clip, N clips in a batch.
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
"""Takes the time of what a stage does inside; from several threads at once."""
Timestamps = Literal["stored", "repaired"]
Fault = Literal["repeated", "damaged"]
"""Of a frame: it repeats the picture before since it has none, or its own is damaged.

Damaged is also what is built on a lost or damaged picture, as far as file and decoder tell.
"""


@dataclass(frozen=True, kw_only=True)
class VideoLimits:
    """How large a video may be.

    Attributes:
        max_duration_s: of the whole video, seconds.
    """

    max_pixels: int
    max_frames: int
    max_duration_s: float


@dataclass(frozen=True, kw_only=True)
class VideoInfo:
    """What a video is, as it is shown: after rotation, in stored pixels.

    Attributes:
        width: pixels, after rotation.
        height: pixels, after rotation.
        fps: mean frames a second.
        duration_s: seconds.
        rotation: degrees clockwise that the stored picture is turned by to be shown: 0, 90, 180
            or 270.
        mirrored: whether it is mirrored left to right after that.
        pixel_aspect: width of a pixel over its height, as shown.
        codec: FFmpeg's name of the decoder, such as `h264`.
        timestamps: `repaired` where those in the file are missing or contradict what decodes, so
            that frames are listed as they decode, at times made to rise.
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
    """A video whose frames have been listed, so that decoding can start at any of them.

    Attributes:
        timestamps: (T,) int64, rising: when each frame is shown, in units of `time_base`.
        time_base: seconds in one unit of `timestamps`.
        starts: (S,) int64, rising: frames that decoding can start at.
        numbers: (T,) int64, the packet that holds each frame, counted from 0 in the file; None
            where `timestamps` are the container's and can be sought.
        max_pixels: that a frame may have, as the scan was told: later ones may be larger.
    """

    info: VideoInfo
    timestamps: NDArray[np.int64]
    time_base: Fraction
    starts: NDArray[np.int64]
    numbers: NDArray[np.int64] | None
    max_pixels: int

    @property
    def seekable(self) -> bool:
        """Whether the container can be sought by `timestamps`."""
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
    """One decoded frame.

    Attributes:
        index: 0-based in the source video.
        time_s: when it is shown, seconds after the first frame.
        pixels: (H, W, 3) uint8, RGB, after rotation.
        fault: `repeated` where these are the pixels of the last frame that can be decoded.
    """

    index: int
    time_s: float
    pixels: NDArray[np.uint8]
    fault: Fault | None = None


@dataclass(frozen=True)
class Rle:
    """A mask as COCO run lengths: column-major, the first run counts zeros.

    Attributes:
        height: of the mask, pixels.
        width: of the mask, pixels.
    """

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
    """What an object does.

    Attributes:
        label: such as `run`; `none` for what isn't a person who does one of the others.
        score: its probability, 0 to 1.
    """

    label: str
    score: float


@dataclass(frozen=True, kw_only=True)
class SegmentedObject:
    """One object in one frame.

    Attributes:
        mask: at the source frame's size.
        box: x, y, width, height in source pixels; x + width is one past the last column.
        area: pixels in the mask.
        score: mean foreground probability inside the mask, 0 to 1.
        track: the object's id through the video, from 1; None before tracks are linked.
        actions: the log-probability of each label; empty where actions weren't asked for.
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
    """The objects of one frame, largest first; none where nothing stands out.

    Attributes:
        time_s: of the frame, seconds.
        objects: largest first.
        cuts: frames of the source video that shots begin with, after the frame before this one and
            up to this one.
    """

    index: int
    time_s: float
    objects: tuple[SegmentedObject, ...] = field(default=())
    fault: Fault | None = None
    cuts: tuple[int, ...] = ()


@dataclass(frozen=True)
class Shot:
    """Frames of the source video between two cuts, of those that were asked for.

    Attributes:
        start: its first frame.
        stop: one past its last frame.
    """

    start: int
    stop: int


@dataclass(frozen=True, kw_only=True)
class Track:
    """One object through a shot.

    Attributes:
        id: from 1, in order of appearance.
        score: mean of its scores over the frames that hold it.
        start: index of the first frame that holds it.
        stop: one past the index of the last frame that holds it.
        lost: first frame without it, and the one that holds it again, of each gap.
        actions: the most probable ones over all its frames, the first one most; empty where actions
            weren't asked for.
    """

    id: int
    score: float
    start: int
    stop: int
    lost: tuple[tuple[int, int], ...] = ()
    actions: tuple[Action, ...] = ()
