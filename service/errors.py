"""The errors of the HTTP edge; `service.errors` says how each is answered.

ServiceError
├── NotFound          nothing lives at this path
├── MethodNotAllowed  what lives there has no such method
├── UnsupportedBody   the body is of a content type that isn't accepted
├── MalformedBody     the body breaks its own format or ends early
├── InvalidRequest    an option, parameter or part is unknown, missing, doubled or out of range
├── BeyondTheFile     a part was asked for that begins behind the file's end
├── UploadTooLarge    the file is larger than the limit in bytes
├── UploadTooSlow     the body comes too slowly, or not at all
├── Unreachable       the server of a video's URL can't be connected to
├── WrongAnswer       the server of a video's URL answers something else than a file
├── DownloadTooSlow   a video comes too slowly from its URL
├── StorageFull       the data volume has no room for the file
├── NotAcceptable     the client accepts no media type that this resource has
├── JobFailed         the result of a failed job was asked for
├── JobCanceled       the result of a canceled job was asked for
├── NoMasks           a format that needs masks was asked for, and the job has none
├── TooManyTracks     a format was asked for that can't hold as many tracks
├── NotRendered       the result isn't made in a format yet, but will be
├── RendererBusy      too many results wait to be made in such formats
├── RenderingFailed   the result can't be made in such a format
├── Unauthorized      the service has API keys, and the request has none
├── ForeignOrigin     without API keys, a browser sends the request for another site
├── MetricsClosed     the figures are for the operator, and the request has no token of theirs
├── TooManyRequests   the key sent more requests than it may
└── NotReady          no worker is alive, or the database or the store of files doesn't answer
"""

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.errors import (
    BadCursor,
    BadUrl,
    DatabaseAway,
    IdempotencyConflict,
    JobHasNoResult,
    JobNotFinished,
    JobNotFound,
    KeyRevoked,
    KeyUnknown,
    QueueFull,
    StoreAway,
    TooManyJobs,
)
from jobs.failure import JobTimedOut, ModelGone, WorkerLost
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
    """One wrong value of a request.

    Attributes:
        name: of the option, parameter or part.
        got: what was received; None where nothing was.
        wanted: what is accepted.
    """

    name: str
    got: str | None
    wanted: str

    def __str__(self) -> str:
        received = f"no {self.name}" if self.got is None else f"{self.name}={self.got!r}"
        return f"Got {received}, wanted {self.wanted}."


class ServiceError(Exception):
    """The base of every error that the HTTP edge raises on purpose."""


class NotFound(ServiceError):
    """Nothing lives at this path."""


class MethodNotAllowed(ServiceError):
    """What lives at this path has no such method."""


class UnsupportedBody(ServiceError):
    """The body is of a content type that isn't accepted."""


class MalformedBody(ServiceError):
    """The body breaks its own format or ends early."""


class InvalidRequest(ServiceError):
    """An option, parameter or part is unknown, missing, doubled or out of range."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(" ".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


class BeyondTheFile(ServiceError):
    """A part of a file was asked for that begins behind its end.

    Args:
        asked: the `Range`.
        size: of the file, bytes.
    """

    def __init__(self, asked: str, size: int) -> None:
        super().__init__(f"Got Range {asked!r}, wanted parts within the file's {size} bytes.")
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
    """The result isn't made in a format yet, but will be."""


class RendererBusy(ServiceError):
    """Too many results wait to be made in formats that take long."""


class RenderingFailed(ServiceError):
    """The result can't be made in a format that takes long."""


class Unauthorized(ServiceError):
    """The service has API keys, and the request has none."""


class ForeignOrigin(ServiceError):
    """Without API keys, a browser sends the request for another site."""


class MetricsClosed(ServiceError):
    """The figures are for the operator, and the request has no token of theirs."""


class TooManyRequests(ServiceError):
    """The key sent more requests than it may.

    Attributes:
        retry_after_s: when the next one may come, seconds from now.
    """

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NotReady(ServiceError):
    """No worker is alive, or the database or the store of files doesn't answer."""


@dataclass(frozen=True)
class Kind:
    """How one class of errors is answered.

    Attributes:
        status: of the HTTP answer.
        slug: last part of the problem's `type`; never changes.
        title: of the problem, the same for every occurrence.
        example: of a detail.
    """

    status: int
    slug: str
    title: str
    example: str

    @property
    def type(self) -> str:
        """The problem's type: an address, relative to the service, that explains it."""
        return f"/problems/{self.slug}"


KINDS: dict[type[Exception], Kind] = {
    NotAVideo: Kind(
        422,
        "not-a-video",
        "The file is not a video",
        "Got a file that no allowed demuxer recognises, wanted a video such as MP4, MKV or WebM.",
    ),
    NoVideoStream: Kind(
        422,
        "no-video-stream",
        "The file holds no video stream",
        "Got a file with 1 audio stream, wanted a video stream.",
    ),
    BrokenVideo: Kind(
        422,
        "broken-video",
        "The video can't be decoded",
        "Got a video whose first frame can't be decoded, wanted a whole, unencrypted video.",
    ),
    VideoTooLarge: Kind(
        413,
        "video-too-large",
        "The video is past a limit",
        "Got frames of 16000x16000 pixels, wanted at most 33177600 pixels.",
    ),
    DecoderFailed: Kind(
        422,
        "decoder-failed",
        "The decoder fails over the video",
        "Got a video over which the decoder fails, wanted one that can be decoded. It ended by "
        "SIGSEGV.",
    ),
    SelectionError: Kind(
        422,
        "empty-selection",
        "The chosen range holds no frame",
        "Got start_s=90, wanted less than the video's 12.5 s.",
    ),
    NotFound: Kind(
        404, "not-found", "No such resource", "Got the path '/job', wanted one of /openapi.json."
    ),
    MethodNotAllowed: Kind(
        405,
        "method-not-allowed",
        "The resource has no such method",
        "Got GET /segment, wanted POST.",
    ),
    UnsupportedBody: Kind(
        415,
        "unsupported-media-type",
        "The body's content type is not accepted",
        "Got Content-Type video/mp4, wanted multipart/form-data with the video in the part `file`, "
        "or application/json with its address as `url`.",
    ),
    MalformedBody: Kind(
        400,
        "malformed-body",
        "The body is malformed",
        "Got a body that ends before its last boundary, wanted all of it.",
    ),
    InvalidRequest: Kind(
        422,
        "invalid-request",
        "The request holds a wrong value",
        "Got threshold='1.5', wanted a number above 0 and below 1.",
    ),
    BeyondTheFile: Kind(
        416,
        "range-not-satisfiable",
        "The file has no such part",
        "Got Range 'bytes=5000-', wanted parts within the file's 4096 bytes.",
    ),
    UploadTooLarge: Kind(
        413,
        "upload-too-large",
        "The upload is past the limit in bytes",
        "Got a body of 3221225472 bytes, wanted a file of at most 2147483648 bytes (2048 MiB).",
    ),
    UploadTooSlow: Kind(
        408,
        "upload-too-slow",
        "The upload stalled",
        "Got 12 bytes of the body in 30 s, wanted it to go on with at least 16384.",
    ),
    Unreachable: Kind(
        422,
        "url-unreachable",
        "The server of the URL can't be connected to",
        "Got no connection to 'example.org', port 443, wanted one: Connection refused.",
    ),
    WrongAnswer: Kind(
        422,
        "url-wrong-answer",
        "The server of the URL doesn't answer with a file",
        "Got status 404 from 'example.org', wanted 200.",
    ),
    DownloadTooSlow: Kind(
        422,
        "download-too-slow",
        "The video comes too slowly from its URL",
        "Got no whole file from 'example.org' in 600 s, wanted it faster.",
    ),
    StorageFull: Kind(
        507,
        "storage-full",
        "The service has no room for the file",
        "The data volume is full; try a smaller file or later.",
    ),
    NotAcceptable: Kind(
        406,
        "not-acceptable",
        "No accepted media type is on offer",
        "Got Accept: text/html, wanted one of application/json, application/x-ndjson.",
    ),
    Unauthorized: Kind(
        401,
        "unauthorized",
        "The request has no API key",
        "Got no API key, wanted `Authorization: Bearer KEY`.",
    ),
    KeyUnknown: Kind(
        401,
        "key-unknown",
        "The API key is not one of ours",
        "Got an API key that isn't one of ours, wanted one that is.",
    ),
    KeyRevoked: Kind(
        403, "key-revoked", "The API key was revoked", "The API key of 'ada' was revoked."
    ),
    ForeignOrigin: Kind(
        403,
        "foreign-origin",
        "The request comes from another site",
        "Got a request from the site 'https://example.org' without API keys, wanted one from this "
        "service's own, or that site in ROTOGRAPH_CORS_ORIGINS.",
    ),
    MetricsClosed: Kind(
        401,
        "metrics-closed",
        "The figures are for the operator",
        "Got no token, wanted ROTOGRAPH_METRICS_TOKEN as `Authorization: Bearer`.",
    ),
    TooManyRequests: Kind(
        429,
        "too-many-requests",
        "The key sends too many requests",
        "Got more than 60 requests a minute from the key of 'ada', wanted at most that many.",
    ),
    IdempotencyConflict: Kind(
        422,
        "idempotency-conflict",
        "The idempotency key is that of another request",
        "Got the Idempotency-Key 'a1' of another request, wanted a new one for a new video or new "
        "options.",
    ),
    QueueFull: Kind(
        503,
        "queue-full",
        "Too many jobs wait for a worker",
        "Got one more job than the 1000 that wait for a worker, wanted at most 1000; try later.",
    ),
    TooManyJobs: Kind(
        429,
        "too-many-jobs",
        "The key has too many unfinished jobs",
        "Got one more job than the 4 that are queued or running, wanted at most 4 from the key of "
        "'ada' at a time.",
    ),
    BadUrl: Kind(
        422,
        "bad-url",
        "The URL may not be reached",
        "Got a URL to '10.0.0.1', which isn't a public address, wanted one.",
    ),
    BadCursor: Kind(
        422,
        "bad-cursor",
        "The cursor is not one of a list of jobs",
        "Got the cursor 'abc', wanted one from a list of jobs.",
    ),
    JobNotFound: Kind(
        404, "job-not-found", "No such job", "No job has the id '0123456789abcdef0123456789abcdef'."
    ),
    JobNotFinished: Kind(
        409,
        "job-not-finished",
        "The job hasn't finished",
        "Job '0123456789abcdef0123456789abcdef' is running: 240 of 720 frames done.",
    ),
    JobHasNoResult: Kind(409, "job-has-no-result", "The job has no result", "The job failed."),
    JobFailed: Kind(
        409,
        "job-failed",
        "The job failed",
        "The job failed, so that it has no result: Got a packet that can't be decoded.",
    ),
    JobCanceled: Kind(
        410,
        "job-canceled",
        "The job was canceled",
        "The job was canceled after 240 of 720 frames, so that it has no result.",
    ),
    NoMasks: Kind(
        409,
        "job-has-no-masks",
        "The format needs masks, and the job has none",
        "Got format=ytvis for a job with masks=none, wanted one with masks=rle, or a format that "
        "needs none.",
    ),
    TooManyTracks: Kind(
        409,
        "too-many-tracks",
        "The format can't hold as many tracks",
        "Got format=davis for a job with tracks up to 300, wanted at most 255, or a format that "
        "holds more.",
    ),
    NotRendered: Kind(
        409,
        "not-rendered",
        "The result is being made in this format",
        "The overlay.mp4 of job '0123456789abcdef0123456789abcdef' is being made; ask again.",
    ),
    RendererBusy: Kind(
        503,
        "renderer-busy",
        "Too many results wait to be made",
        "Got a request for the overlay.mp4 of job '0123456789abcdef0123456789abcdef' while 20 "
        "results wait to be made, wanted it later.",
    ),
    RenderingFailed: Kind(
        500,
        "rendering-failed",
        "The result can't be made in this format",
        "Got a video whose overlay.mp4 took longer than 3600 s to make.",
    ),
    JobTimedOut: Kind(
        422,
        "job-timeout",
        "The job takes too long",
        "Got a job that takes longer than 3600 s, wanted it done by then.",
    ),
    ModelGone: Kind(
        500,
        "model-gone",
        "No worker has the job's model any more",
        "Got a job that was begun with the model small 2026.11.5 on workers that are gone, wanted "
        "one of them within 120 s; post it again.",
    ),
    WorkerLost: Kind(
        500,
        "worker-lost",
        "The job was given up",
        "The job was given up after its worker died 3 times over the same segment.",
    ),
    DatabaseAway: Kind(
        503,
        "database-away",
        "The database of jobs doesn't answer",
        "The database of jobs doesn't answer; try later.",
    ),
    StoreAway: Kind(
        503,
        "store-away",
        "The store of the jobs' files doesn't answer",
        "The store of the jobs' files doesn't answer; try later.",
    ),
    NotReady: Kind(503, "not-ready", "The service can't take up work now", "No worker is alive."),
}

INTERNAL_ERROR = Kind(
    500, "internal-error", "The service failed", "The log tells why under this request_id."
)

ALL_KINDS: tuple[Kind, ...] = (*KINDS.values(), INTERNAL_ERROR)


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
