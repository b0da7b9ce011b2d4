"""What the service answers, as it stands in the OpenAPI document."""

from datetime import datetime
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from jobs import values
from jobs.values import JobRequest, JobState
from pipeline.values import Timestamps, VideoInfo
from service import errors
from service.errors import Kind, kind_named
from service.links import Links

Index = Annotated[int, Field(ge=0, description="0-based frame of the source video.")]
SandboxLacks = Annotated[
    list[str],
    Field(description="Protections that its system can't give the decoders of uploads."),
]
Score = Annotated[float, Field(ge=0, le=1)]


class Body(BaseModel):
    """The base of every answer: frozen, and strict about its own fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Fault(Body):
    """One wrong value of a request."""

    name: str
    got: Annotated[str | None, Field(description="Absent where nothing was received.")] = None
    wanted: str

    @classmethod
    def of(cls, fault: errors.Fault) -> "Fault":
        return cls(name=fault.name, got=fault.got, wanted=fault.wanted)


class Problem(Body):
    """What went wrong, as RFC 9457 has it (application/problem+json)."""

    type: Annotated[
        str, Field(description="Explained there; its last part never changes, such as `bad-url`.")
    ]
    title: str
    status: int
    detail: Annotated[str, Field(description="What was received and what is wanted.")]
    request_id: Annotated[str | None, Field(description="As in X-Request-ID and the log.")] = None
    job_id: Annotated[str | None, Field(description="Of the job that it is about.")] = None
    faults: Annotated[
        list[Fault] | None, Field(description="Every wrong value of the request.")
    ] = None

    @classmethod
    def of(
        cls,
        kind: Kind,
        detail: str,
        links: Links,
        *,
        request_id: str | None = None,
        job_id: str | None = None,
    ) -> "Problem":
        return cls(
            type=links.problem(kind),
            title=kind.title,
            status=kind.status,
            detail=detail,
            request_id=request_id,
            job_id=job_id,
        )


class ProblemType(Body):
    """What a problem's type means."""

    type: str
    title: str
    status: int
    example: Annotated[str, Field(description="A detail as it may read.")]


class Video(Body):
    """What the uploaded video is, as it is shown."""

    width: Annotated[int, Field(description="Pixels, after rotation.")]
    height: Annotated[int, Field(description="Pixels, after rotation.")]
    frame_count: int
    fps: Annotated[str, Field(pattern=r"^\d+/\d+$", examples=["30000/1001"])]
    duration_s: float
    rotation: Annotated[
        Literal[0, 90, 180, 270],
        Field(description="Degrees clockwise that the stored picture is turned by to be shown."),
    ]
    mirrored: Annotated[bool, Field(description="Whether it is mirrored left to right after that.")]
    pixel_aspect: Annotated[
        str,
        Field(
            pattern=r"^\d+/\d+$",
            description="Width of a pixel over its height, as it is shown.",
            examples=["4/3"],
        ),
    ]
    timestamps: Annotated[
        Timestamps,
        Field(
            description="`repaired` where those in the file are missing, jump or contradict its "
            "pictures: frames are then listed as they decode, and jumps of the clock closed."
        ),
    ]

    @classmethod
    def of(cls, info: VideoInfo) -> "Video":
        return cls.model_validate(
            {
                "width": info.width,
                "height": info.height,
                "frame_count": info.frame_count,
                "fps": ratio(info.fps),
                "duration_s": info.duration_s,
                "rotation": info.rotation,
                "mirrored": info.mirrored,
                "pixel_aspect": ratio(info.pixel_aspect),
                "timestamps": info.timestamps,
            }
        )


class Progress(Body):
    """How far a job is."""

    frames_done: Annotated[int, Field(ge=0, description="Frames whose result is stored.")]
    frames_total: Annotated[int, Field(ge=0, description="Frames that were asked for.")]


class Job(Body):
    """A job."""

    id: str
    state: JobState
    progress: Progress
    request: JobRequest
    video: Video
    created_at: datetime
    started_at: Annotated[datetime | None, Field(description="When a worker took it up.")]
    finished_at: Annotated[datetime | None, Field(description="When its state became final.")]
    result: Annotated[str, Field(description="Address of its result.")]
    problem: Annotated[Problem | None, Field(description="Why it failed.")]
    copied_from: Annotated[
        str | None,
        Field(description="Id of the job that was asked for the same, and whose result this is."),
    ] = None

    @classmethod
    def of(cls, job: values.Job, links: Links) -> "Job":
        return cls(
            id=job.id,
            state=job.state,
            progress=Progress(frames_done=job.frames_done, frames_total=job.frames_total),
            request=job.request,
            video=Video.of(job.video),
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
            result=links.result(job.id),
            problem=failure_problem(job, links),
            copied_from=job.copied_from,
        )


class JobList(Body):
    """A page of jobs, newest first."""

    jobs: list[Job]
    total: Annotated[int, Field(ge=0, description="Jobs in the whole list.")]
    next: Annotated[str | None, Field(description="Address of the next page; null on the last.")]


class Model(Body):
    """The model that made a result."""

    name: str
    version: str


class ModelCard(Body):
    """What a model is: what its file says of itself."""

    name: Annotated[str, Field(description="Of the network.")]
    version: Annotated[str, Field(description="Of the weights.")]
    clip_length: Annotated[int, Field(description="Frames in a clip.")]
    short_side: Annotated[int, Field(description="Pixels that the shorter side is scaled to.")]
    long_side: Annotated[int, Field(description="Pixels that the longer side has at most.")]
    multiple: Annotated[int, Field(description="Sides are padded to multiples of it, pixels.")]
    licence: Annotated[str, Field(description="Of the weights.")]
    data: Annotated[str, Field(description="What it was trained on.")]
    measured: Annotated[dict[str, float], Field(description="Measured metrics, by name.")]
    git_revision: Annotated[str, Field(description="Of the code that trained it.")]
    labels: Annotated[
        list[str], Field(description="Of the actions that it tells; none if it only segments.")
    ]
    cues: Annotated[bool, Field(description="Whether it is fed motion.")] = False


class ModelList(Body):
    """The models of the live workers."""

    models: list[ModelCard]


class Action(Body):
    """What an object does."""

    label: Annotated[
        str, Field(description="`none` for what isn't a person who does one of the actions.")
    ]
    score: Score


class Shot(Body):
    """What is between two cuts; no track goes on beyond one."""

    start: Index
    stop: Annotated[int, Field(ge=1, description="One past its last frame.")]


class Gap(Body):
    """Frames in which an object isn't seen."""

    start: Index
    stop: Annotated[int, Field(ge=1, description="The frame in which it is seen again.")]


class Track(Body):
    """One object through a shot."""

    id: Annotated[int, Field(ge=1)]
    score: Score
    start: Index
    stop: Annotated[int, Field(ge=1, description="One past its last frame.")]
    lost: Annotated[
        list[Gap] | None,
        Field(description="Where it is hidden or not found. Absent where it never is."),
    ] = None
    actions: Annotated[
        list[Action] | None,
        Field(
            description="Its three most probable actions, over all its frames. Absent with "
            "`actions=false`, and where the model tells none."
        ),
    ] = None


class Segmentation(Body):
    """A mask as COCO run lengths, compressed."""

    size: Annotated[tuple[int, int], Field(description="Height, width.")]
    counts: str


class DetectedObject(Body):
    """One object in one frame."""

    track: Annotated[int, Field(ge=1)]
    score: Score
    box: Annotated[
        tuple[int, int, int, int],
        Field(description="x, y, width, height; x + width is one past the last column."),
    ]
    area: Annotated[int, Field(ge=1, description="Pixels in the mask.")]
    action: Annotated[
        Action | None,
        Field(
            description="The most probable action at the moment: of its track's latest frames. "
            "Absent as that of tracks."
        ),
    ] = None
    segmentation: Annotated[Segmentation | None, Field(description="Absent with `masks=none`.")] = (
        None
    )


class Frame(Body):
    """The objects of one frame, largest first; also a line of the NDJSON result."""

    index: Index
    time_s: float
    repeated: Annotated[
        Literal[True] | None,
        Field(
            description="The frame can't be decoded: its objects are those of the last picture "
            "that can. Absent where it can."
        ),
    ] = None
    damaged: Annotated[
        Literal[True] | None,
        Field(
            description="The frame's picture is damaged, or built on one that is lost or damaged, "
            "as far as the file tells. Absent elsewhere."
        ),
    ] = None
    cut: Annotated[
        Literal[True] | None,
        Field(
            description="A shot begins with the frame, or since the one before. Absent elsewhere."
        ),
    ] = None
    objects: list[DetectedObject]


class Result(Body):
    """A whole result."""

    id: Annotated[str, Field(description="Of the job.")]
    model: Model
    video: Video
    shots: Annotated[list[Shot], Field(description="Of the frames that were asked for, in order.")]
    tracks: list[Track]
    frames: list[Frame]


class Worker(Body):
    """A live worker."""

    id: str
    device: Annotated[str, Field(description="As it was asked for, or chosen by a trial.")]
    provider: Annotated[
        str,
        Field(description="What runs the model: ONNX Runtime's execution provider, or OpenVINO."),
    ]
    model: str
    model_version: str
    sandbox_lacks: SandboxLacks

    @classmethod
    def of(cls, worker: values.Worker) -> "Worker":
        return cls(
            id=worker.id,
            device=worker.device,
            provider=worker.provider,
            model=worker.model,
            model_version=worker.model_version,
            sandbox_lacks=list(worker.sandbox_lacks),
        )


class Liveness(Body):
    """The API process answers."""

    status: Literal["alive"] = "alive"


class Readiness(Body):
    """The service takes up work."""

    status: Literal["ready"] = "ready"
    queue_depth: Annotated[int, Field(ge=0, description="Jobs that no worker has taken up.")]
    workers: list[Worker]
    sandbox_lacks: SandboxLacks


class Version(Body):
    """What runs here."""

    name: str
    version: str


def ratio(value: Fraction) -> str:
    """Write a fraction as the API does, denominator always there.

    >>> ratio(Fraction(25))
    '25/1'
    """
    return f"{value.numerator}/{value.denominator}"


def failure_problem(job: values.Job, links: Links) -> Problem | None:
    if job.failure is None:
        return None
    return Problem.of(kind_named(job.failure.kind), job.failure.message, links, job_id=job.id)
