"""What a job is: its request, its state, what it answers."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from pipeline.values import Instances, Quality, VideoInfo

Masks = Literal["rle", "none"]
LabelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$")]
LabelValue = Annotated[str, Field(max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$")]
Priority = Literal["low", "normal", "high"]


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def final(self) -> bool:
        return self in {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELED}


def _object(given: object) -> object:
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given)
    except (ValueError, RecursionError) as error:
        wanted = 'an object in JSON, such as {"project": "cats"}'
        raise PydanticCustomError("labels", wanted) from error


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a client may choose; pydantic checks it where it comes in."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    threshold: Annotated[
        float,
        Field(gt=0, lt=1, description="Foreground probability from which a pixel is in the mask."),
    ] = 0.5
    start_s: Annotated[
        float,
        Field(
            ge=0,
            allow_inf_nan=False,
            description="First second of the video to segment. Where no frame appears from here "
            "to `end_s`, it is the one on screen.",
        ),
    ] = 0.0
    end_s: Annotated[
        float | None,
        Field(gt=0, allow_inf_nan=False, description="Second to stop before; default: the end."),
    ] = None
    every: Annotated[
        int,
        Field(
            ge=1,
            le=100_000,
            description="Report each n-th frame, with the masks that it has with 1. Tracks and "
            "`primary` follow from the frames reported, cuts from the 30 frames before each.",
        ),
    ] = 1
    instances: Annotated[
        Instances,
        Field(
            description="`primary`: one object a shot: what stands out most, and parts that are "
            "half as large or more for a while. `components`: each connected component apart, "
            "followed through its shot."
        ),
    ] = "primary"
    min_track_s: Annotated[
        float,
        Field(
            ge=0,
            le=2,
            description="Seconds for which an object must be found surely, in nearly every "
            "frame, before its track begins; what flickers is left out. 0 keeps everything. Frames "
            "come so much later.",
        ),
    ] = 0.2
    quality: Annotated[
        Quality,
        Field(
            description="`fast`: one pass of the model over each clip. `best`: a second one "
            "on the part around what the first found, at its own resolution; a bit more than twice "
            "the work."
        ),
    ] = "fast"
    actions: Annotated[
        bool,
        Field(
            description="Whether objects and tracks say what they do, if the model can tell (its "
            "`labels` in /models/default); about a sixth more work."
        ),
    ] = True
    masks: Annotated[
        Masks,
        Field(description="`rle`: masks as COCO run lengths. `none`: boxes and scores only."),
    ] = "rle"
    callback_url: Annotated[
        str | None,
        Field(
            max_length=1000,
            description="Posted to when the job has ended: an address of https that everybody can "
            "reach. See docs/operations.md.",
        ),
    ] = None
    priority: Annotated[
        Priority,
        Field(
            description="Among the client's own jobs: `high` goes before `normal`, `normal` before "
            "`low`."
        ),
    ] = "normal"
    labels: Annotated[
        Mapping[LabelName, LabelValue],
        BeforeValidator(_object),
        Field(
            max_length=20,
            description='Up to 20 names with values, such as `{"project": "cats"}`, to find the '
            "job by in lists; in a form as JSON.",
        ),
    ] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class JobRequest(Options):
    """What a client asked for."""

    filename: Annotated[
        str, Field(description="As the client named the upload, made safe for any system.")
    ]


@dataclass(frozen=True)
class Idempotency:
    """What tells a repeated request from a new one."""

    key: str
    fingerprint: str


@dataclass(frozen=True)
class JobFailure:
    """Why a job failed; `kind` is the name of the error's class, such as `BrokenVideo`."""

    kind: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job as its client sees it; times are UTC.

    `started_at` is when its first segment was taken up. The result of `frames_done` frames is
    stored, and the lines of the first `frames_ready` can be read. `copied_from` is the id of the
    job whose result it got a copy of.
    """

    id: str
    state: JobState
    request: JobRequest
    video: VideoInfo
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    frames_done: int
    frames_total: int
    frames_ready: int
    failure: JobFailure | None
    copied_from: str | None = None


@dataclass(frozen=True, kw_only=True)
class JobFilter:
    """Which jobs to list: those that match all that is given; `created_before` is exclusive."""

    states: Collection[JobState] = ()
    created_after: datetime | None = None
    created_before: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


class JobPage(NamedTuple):
    """Jobs, newest first, the cursor of those that follow, and how many the whole list has."""

    jobs: Sequence[Job]
    cursor: str | None
    total: int


@dataclass(frozen=True, kw_only=True)
class Load:
    """How many jobs wait and run, and the age in seconds of the one that waits longest, or 0."""

    queued: int
    running: int
    oldest_queued_s: float


@dataclass(frozen=True, kw_only=True)
class Key:
    """An API key without its secret; times are UTC, and None lifts a limit."""

    name: str
    max_jobs: int | None
    requests_per_minute: int | None
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True)
class WebhookSettings:
    """What signs webhooks, and the hosts and networks they may go to although not public."""

    secret: bytes
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A live worker process, as it reports itself with each heartbeat.

    `provider` is what really runs the model: ONNX Runtime's execution provider, or OpenVINO;
    `sandbox_lacks` are protections that its system can't give the decoders; `card` is its
    `ModelSpec` as a dict.
    """

    id: str
    device: str
    provider: str
    model: str
    model_version: str
    runtime: str
    sandbox_lacks: Sequence[str] = ()
    card: Mapping[str, Any] = field(default_factory=dict)
