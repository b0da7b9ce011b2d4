"""What a job is: its request, its state, what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pipeline.values import Instances, Quality, VideoInfo

Masks = Literal["rle", "none"]
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
        """Whether the job will never change again."""
        return self in {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELED}


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """What a client asked for.

    Attributes:
        filename: as the client named the upload; for people only, never a path.
        threshold: foreground probability from which a pixel is in the mask, above 0 and below 1.
        start_s: first second to segment; None from the start.
        end_s: second to stop before; None to the end.
        every: segment each n-th frame, from 1.
        instances: the whole foreground as one object, or each connected component apart.
        quality: `fast` for one pass of the model over each clip, `best` for the mean of several.
        actions: whether objects and tracks say what they do, where the model can tell.
        masks: `rle` puts the masks in the result, `none` leaves boxes and scores only.
        callback_url: to post to when the job has ended; None for nowhere.
        priority: among the jobs of its owner.
    """

    filename: str
    threshold: float = 0.5
    start_s: float | None = None
    end_s: float | None = None
    every: int = 1
    instances: Instances = "primary"
    quality: Quality = "fast"
    actions: bool = True
    masks: Masks = "rle"
    callback_url: str | None = None
    priority: Priority = "normal"


@dataclass(frozen=True)
class Idempotency:
    """What tells a request that is sent again from a new one.

    Attributes:
        key: that its client drew for it.
        fingerprint: of all that was asked for, the upload too.
    """

    key: str
    fingerprint: str


@dataclass(frozen=True)
class JobFailure:
    """Why a job failed, as it is kept.

    Attributes:
        kind: name of the error's class, such as `BrokenVideo`.
        message: for the client.
    """

    kind: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job as its client sees it.

    Attributes:
        id: random, unguessable.
        state: where it stands.
        request: what was asked for.
        video: what the upload is.
        created_at: when it was accepted, UTC.
        started_at: when a worker took it up first, UTC; None while queued.
        finished_at: when it reached a final state, UTC.
        frames_done: frames whose result is stored.
        frames_total: frames that were asked for.
        frames_ready: frames, from the first, whose lines of the result can be read.
        failure: why it failed; None unless it did.
        copied_from: id of the job whose result it got a copy of; None if it was worked for.
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
class Load:
    """How much there is to do.

    Attributes:
        queued: jobs that no worker has taken up.
        running: jobs that one has.
        oldest_queued_s: age of the job that waits longest for a worker, seconds; 0 where none does.
    """

    queued: int
    running: int
    oldest_queued_s: float


@dataclass(frozen=True, kw_only=True)
class Key:
    """An API key as its operator sees it, without its secret.

    Attributes:
        name: of its owner.
        max_jobs: unfinished jobs that it may have at once; None for any number.
        requests_per_minute: that it may send; None for any number.
        created_at: UTC.
        revoked_at: UTC; None while it is good.
    """

    name: str
    max_jobs: int | None
    requests_per_minute: int | None
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A live worker process, as it reports itself with each heartbeat.

    Attributes:
        id: of the process, unique for its life.
        device: as it was asked for.
        provider: what really runs the model: ONNX Runtime's execution provider, or OpenVINO.
        model: name of the model that it serves.
        model_version: version of that model.
        runtime: what gives the same results, as `runtime_of`.
        sandbox_lacks: protections that its system can't give the decoders of uploads.
        card: what the model's file says of itself, `pipeline.spec.ModelSpec` as a dict.
    """

    id: str
    device: str
    provider: str
    model: str
    model_version: str
    runtime: str
    sandbox_lacks: Sequence[str] = ()
    card: Mapping[str, Any] = field(default_factory=dict)
