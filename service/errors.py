"""The errors of the HTTP edge; `service.problem_kinds` says how each is answered.

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


class NotFound(ServiceError):  # noqa: N818 - the name says the state, as httpx's errors do
    """Nothing lives at this path."""


class MethodNotAllowed(ServiceError):  # noqa: N818 - see NotFound
    """What lives at this path has no such method."""


class UnsupportedBody(ServiceError):  # noqa: N818 - see NotFound
    """The body is of a content type that isn't accepted."""


class MalformedBody(ServiceError):  # noqa: N818 - see NotFound
    """The body breaks its own format or ends early."""


class InvalidRequest(ServiceError):  # noqa: N818 - see NotFound
    """An option, parameter or part is unknown, missing, doubled or out of range."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(" ".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


class BeyondTheFile(ServiceError):  # noqa: N818 - see NotFound
    """A part of a file was asked for that begins behind its end.

    Args:
        asked: the `Range`.
        size: of the file, bytes.
    """

    def __init__(self, asked: str, size: int) -> None:
        super().__init__(f"Got Range {asked!r}, wanted parts within the file's {size} bytes.")
        self.size = size


class UploadTooLarge(ServiceError):  # noqa: N818 - see NotFound
    """The file is larger than the limit in bytes."""


class UploadTooSlow(ServiceError):  # noqa: N818 - see NotFound
    """The body comes too slowly, or not at all."""


class Unreachable(ServiceError):  # noqa: N818 - see NotFound
    """The server of a video's URL can't be connected to."""


class WrongAnswer(ServiceError):  # noqa: N818 - see NotFound
    """The server of a video's URL answers something else than a file."""


class DownloadTooSlow(ServiceError):  # noqa: N818 - see NotFound
    """A video comes too slowly from its URL."""


class StorageFull(ServiceError):  # noqa: N818 - see NotFound
    """The data volume has no room for the file."""


class NotAcceptable(ServiceError):  # noqa: N818 - see NotFound
    """The client accepts no media type that this resource has."""


class JobFailed(ServiceError):  # noqa: N818 - see NotFound
    """The result of a failed job was asked for."""


class JobCanceled(ServiceError):  # noqa: N818 - see NotFound
    """The result of a canceled job was asked for."""


class NoMasks(ServiceError):  # noqa: N818 - see NotFound
    """The format needs masks, and the job was asked for none."""


class TooManyTracks(ServiceError):  # noqa: N818 - see NotFound
    """The format can't hold as many tracks as the result has."""


class NotRendered(ServiceError):  # noqa: N818 - see NotFound
    """The result isn't made in a format yet, but will be."""


class RendererBusy(ServiceError):  # noqa: N818 - see NotFound
    """Too many results wait to be made in formats that take long."""


class RenderingFailed(ServiceError):  # noqa: N818 - see NotFound
    """The result can't be made in a format that takes long."""


class Unauthorized(ServiceError):  # noqa: N818 - see NotFound
    """The service has API keys, and the request has none."""


class ForeignOrigin(ServiceError):  # noqa: N818 - see NotFound
    """Without API keys, a browser sends the request for another site."""


class MetricsClosed(ServiceError):  # noqa: N818 - see NotFound
    """The figures are for the operator, and the request has no token of theirs."""


class TooManyRequests(ServiceError):  # noqa: N818 - see NotFound
    """The key sent more requests than it may.

    Attributes:
        retry_after_s: when the next one may come, seconds from now.
    """

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NotReady(ServiceError):  # noqa: N818 - see NotFound
    """No worker is alive, or the database or the store of files doesn't answer."""
