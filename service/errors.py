"""The errors of the HTTP edge, and the one table of how every error is answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs.errors import (
    BadCursor,
    BadUrl,
    DatabaseAway,
    IdempotencyConflict,
    JobHasNoResult,
    JobNotFinished,
    JobNotFound,
    JobTimedOut,
    KeyRevoked,
    KeyUnknown,
    ModelGone,
    QueueFull,
    StoreAway,
    TooManyJobs,
    WorkerLost,
)
from pipeline.errors import (
    BrokenVideo,
    DecoderFailed,
    NotAVideo,
    NoVideoStream,
    SelectionError,
    VideoTooLarge,
)


@dataclass(frozen=True)
class Fault:
    """One wrong value of a request: `got` None where nothing was received.

    `wanted` names what there is instead where nothing has this name, so that it isn't `known`.
    """

    name: str
    got: str | None
    wanted: str
    known: bool = True

    def __str__(self) -> str:
        if not self.known:
            return f"{self.name!r} is not {self.wanted}."
        return f"{self.name} must be {self.wanted}, got {self._received()}."

    def _received(self) -> str:
        if self.got is None:
            return "nothing"
        is_word = self.got.isprintable() and self.got and " " not in self.got
        return self.got if is_word else repr(self.got)


class ServiceError(Exception):
    """The base of every error that the HTTP edge raises on purpose."""


class NotFound(ServiceError):
    """Nothing lives at this path."""


class MethodNotAllowed(ServiceError):
    """What lives at this path has no such method."""


class UnsupportedBody(ServiceError):
    """The body is of a content type that isn't accepted."""


class MalformedBody(ServiceError):
    """The body breaks its own format, multipart or JSON, or ends early."""


class InvalidRequest(ServiceError):
    """An option, parameter or part is unknown, missing, doubled or out of range."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(" ".join(str(fault) for fault in faults))
        self.faults = faults


class BeyondTheFile(ServiceError):
    """A part of a file was asked for that begins behind its end."""

    def __init__(self, asked: str, size: int) -> None:
        super().__init__(f"Range must be within the file's {size} bytes, got {asked!r}.")
        self.size = size


class UploadTooLarge(ServiceError):
    """The file is larger than the limit in bytes."""


class UploadTooSlow(ServiceError):
    """The body comes too slowly, or not at all."""


class Unreachable(ServiceError):
    """The server of a video's URL can't be connected to."""


class WrongAnswer(ServiceError):
    """The server of a video's URL answers something else than a file."""


class DownloadTooSlow(ServiceError):
    """A video comes too slowly from its URL."""


class StorageFull(ServiceError):
    """The data volume has no room for the file."""


class NotAcceptable(ServiceError):
    """The client accepts no media type that this resource has."""


class JobFailed(ServiceError):
    """The result of a failed job was asked for."""


class JobCanceled(ServiceError):
    """The result of a canceled job was asked for."""


class NoMasks(ServiceError):
    """The format needs masks, and the job was asked for none."""


class TooManyTracks(ServiceError):
    """The format can't hold as many tracks as the result has."""


class NotRendered(ServiceError):
    """The result isn't made in this format yet, but will be."""


class RendererBusy(ServiceError):
    """Too many results wait to be made in formats that take long."""


class RenderingFailed(ServiceError):
    """The result can't be made in a format that takes long."""


class Unauthorized(ServiceError):
    """The service has API keys, and the request has none."""


class ForeignOrigin(ServiceError):
    """Without API keys, a browser sends the request for another site."""


class MetricsClosed(ServiceError):
    """The metrics are for the operator, and the request has no token of theirs."""


class TooManyRequests(ServiceError):
    """The key sent more requests than it may."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NotReady(ServiceError):
    """No worker is alive, or the database or the store of files doesn't answer."""


@dataclass(frozen=True)
class Kind:
    """How a class of errors is answered.

    `slug`, the last part of its type, never changes; its occurrences share the `title`. The same
    request may succeed after `retry_after_s`, or never.
    """

    status: int
    slug: str
    title: str
    example: str
    retry_after_s: int | None = None

    @property
    def type(self) -> str:
        """The problem's type: an address, relative to the service, that explains it."""
        return f"/problems/{self.slug}"


Group = Mapping[type[Exception], Kind]

# One error a row. A job's end, or an outage's, takes longer to wait for than a rendering.
# fmt: off
BODY: Group = {
    UnsupportedBody: Kind(415, "unsupported-media-type", "The body's content type is not accepted",
        "Content-Type must be multipart/form-data or application/json, got 'video/mp4'."),
    MalformedBody: Kind(400, "malformed-body", "The body is malformed",
        "The body ends before its last boundary."),
    InvalidRequest: Kind(422, "invalid-request", "The request holds a wrong value",
        "threshold must be less than 1, got 1.5."),
    UploadTooLarge: Kind(413, "upload-too-large", "The upload is past the limit in bytes",
        "The file must have at most 2147483648 bytes (2048 MiB), got more."),
    UploadTooSlow: Kind(408, "upload-too-slow", "The upload stalled",
        "Only 12 bytes of the body came in 30 s, expected at least 16384."),
    StorageFull: Kind(507, "storage-full", "The service has no room for the file",
        "The data volume is full; try a smaller file or later."),
}
URL: Group = {
    BadUrl: Kind(422, "bad-url", "The URL may not be reached",
        "The URL's host must be a public address, got '10.0.0.1'."),
    Unreachable: Kind(422, "url-unreachable", "The server of the URL can't be connected to",
        "Can't connect to 'example.org', port 443: Connection refused."),
    WrongAnswer: Kind(422, "url-wrong-answer", "The server of the URL doesn't answer with a file",
        "'example.org' must answer with status 200, got 404."),
    DownloadTooSlow: Kind(422, "download-too-slow", "The video comes too slowly from its URL",
        "'example.org' didn't send the whole file in 600 s."),
}
VIDEO: Group = {
    NotAVideo: Kind(422, "not-a-video", "The file is not a video",
        "The file must be MP4, MOV, WebM or another video, got 5120 bytes in no video format."),
    NoVideoStream: Kind(422, "no-video-stream", "The file holds no video stream",
        "The file must have a video stream, got audio only."),
    BrokenVideo: Kind(422, "broken-video", "The video can't be decoded",
        "The video stream is encrypted or of an unknown codec."),
    VideoTooLarge: Kind(413, "video-too-large", "The video is past a limit",
        "Frames must have at most 33177600 pixels, got 16000x16000."),
    DecoderFailed: Kind(422, "decoder-failed", "The decoder fails over the video",
        "The decoder fails over this video: it ended by SIGSEGV."),
    SelectionError: Kind(422, "empty-selection", "The chosen range holds no frame",
        "No frame is from start_s=90 to end_s=None; the last one is shown at 12.460 s."),
}
CALLER: Group = {
    Unauthorized: Kind(401, "unauthorized", "The request has no API key",
        "An API key is needed: `Authorization: Bearer KEY`."),
    KeyUnknown: Kind(401, "key-unknown", "The API key is not one of ours",
        "The API key is not one of ours."),
    KeyRevoked: Kind(403, "key-revoked", "The API key was revoked",
        "The API key of 'ada' was revoked."),
    ForeignOrigin: Kind(403, "foreign-origin", "The request comes from another site",
        "Without API keys requests must come from this service's own pages, got the site "
        "'https://example.org'."),
    TooManyRequests: Kind(429, "too-many-requests", "The key sends too many requests",
        "The key of 'ada' may send 60 requests a minute.", retry_after_s=1),
    DatabaseAway: Kind(503, "database-away", "The database of jobs doesn't answer",
        "The database of jobs doesn't answer; try later.", retry_after_s=5),
}
QUEUE: Group = {
    IdempotencyConflict: Kind(422, "idempotency-conflict",
        "The idempotency key is that of another request",
        "The Idempotency-Key 'a1' was sent with another video or other options before."),
    QueueFull: Kind(503, "queue-full", "Too many jobs wait for a worker",
        "At most 1000 jobs may wait for a worker, and 1000 do; try later.", retry_after_s=5),
    TooManyJobs: Kind(429, "too-many-jobs", "The key has too many unfinished jobs",
        "The key of 'ada' may have 4 unfinished jobs, and has 4.", retry_after_s=5),
}
JOB: Group = {
    JobNotFound: Kind(404, "job-not-found", "No such job",
        "No job has the id '0123456789abcdef0123456789abcdef'."),
}
LIST: Group = {
    BadCursor: Kind(422, "bad-cursor", "The cursor is not one of a list of jobs",
        "cursor must be one that a list of jobs gave, got 'abc'."),
}
FILE: Group = {
    BeyondTheFile: Kind(416, "range-not-satisfiable", "The file has no such part",
        "Range must be within the file's 4096 bytes, got 'bytes=5000-'."),
    StoreAway: Kind(503, "store-away", "The store of the jobs' files doesn't answer",
        "The store of the jobs' files doesn't answer; try later.", retry_after_s=5),
}
RESULT: Group = {
    JobNotFinished: Kind(425, "job-not-finished", "The job hasn't finished",
        "Job '0123456789abcdef0123456789abcdef' is running: 240 of 720 frames done.",
        retry_after_s=1),
    JobHasNoResult: Kind(409, "job-has-no-result", "The job has no result", "The job failed."),
    JobFailed: Kind(409, "job-failed", "The job failed",
        "The job failed, so that it has no result: a packet can't be decoded."),
    JobCanceled: Kind(410, "job-canceled", "The job was canceled",
        "The job was canceled after 240 of 720 frames, so that it has no result."),
}
FORMAT: Group = {
    NotAcceptable: Kind(406, "not-acceptable", "No accepted media type is on offer",
        "Accept must allow application/json or application/x-ndjson, got 'text/html'."),
    NoMasks: Kind(409, "job-has-no-masks", "The format needs masks, and the job has none",
        "ytvis.json needs a job with masks=rle, got one with masks=none."),
    TooManyTracks: Kind(409, "too-many-tracks", "The format can't hold as many tracks",
        "davis.zip can hold 255 tracks, and the job has 300."),
}
RENDERING: Group = {
    NotRendered: Kind(425, "not-rendered", "The result is being made in this format",
        "The overlay.mp4 of job '0123456789abcdef0123456789abcdef' is being made; ask again.",
        retry_after_s=1),
    RendererBusy: Kind(503, "renderer-busy", "Too many results wait to be made",
        "20 results wait to be made already; ask again later.", retry_after_s=1),
    RenderingFailed: Kind(500, "rendering-failed", "The result can't be made in this format",
        "The overlay.mp4 took longer than 3600 s to make."),
}
FAILURE: Group = {
    JobTimedOut: Kind(422, "job-timeout", "The job takes too long",
        "The job took longer than 3600 s."),
    ModelGone: Kind(500, "model-gone", "No worker has the job's model any more",
        "The job was begun with the model small 2026.11.5, and no worker with it came within "
        "120 s; post it again."),
    WorkerLost: Kind(500, "worker-lost", "The job was given up",
        "Its worker died 3 times in the same segment."),
}
SERVICE: Group = {
    NotFound: Kind(404, "not-found", "No such resource",
        "Nothing is at '/job'; see /openapi.json."),
    MethodNotAllowed: Kind(405, "method-not-allowed", "The resource has no such method",
        "/segment has no GET, only POST."),
    MetricsClosed: Kind(401, "metrics-closed", "The metrics are for the operator",
        "The token ROTOGRAPH_METRICS_TOKEN is needed: `Authorization: Bearer`."),
    NotReady: Kind(503, "not-ready", "The service can't take up work now",
        "No worker is alive.", retry_after_s=1),
}
# fmt: on

KINDS: Group = {
    **BODY,
    **URL,
    **VIDEO,
    **CALLER,
    **QUEUE,
    **JOB,
    **LIST,
    **FILE,
    **RESULT,
    **FORMAT,
    **RENDERING,
    **FAILURE,
    **SERVICE,
}

INTERNAL_ERROR = Kind(
    500, "internal-error", "The service failed", "The log tells why under this request_id."
)

ALL_KINDS: Sequence[Kind] = (*KINDS.values(), INTERNAL_ERROR)


def kind_of(error: type[Exception]) -> Kind:
    """Find how a class of errors is answered: by itself or its nearest base in the table."""
    return next((KINDS[base] for base in error.__mro__ if base in KINDS), INTERNAL_ERROR)


def kind_named(name: str) -> Kind:
    """Find how a failure that a job kept is answered, by the name of its error's class.

    >>> kind_named("BrokenVideo").status
    422
    >>> kind_named("ZeroDivisionError").status
    500
    """
    return next((kind for error, kind in KINDS.items() if error.__name__ == name), INTERNAL_ERROR)
