"""An upload: a multipart body that goes to disk as it comes, never more than a block in memory."""

import errno
import hashlib
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import anyio
import anyio.to_thread
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from service.errors import (
    Fault,
    InvalidRequest,
    MalformedForm,
    NotMultipart,
    StorageFull,
    UploadTooLarge,
    UploadTooSlow,
)

BLOCK_BYTES = 2**20
# What a form may weigh beside the file: boundaries, part headers and the options.
FORM_BYTES = 2**16
OPTION_BYTES = 2**10
STEADY_BYTES = 2**14


@dataclass(frozen=True)
class UploadLimits:
    """How large and how slow an upload may be.

    Attributes:
        max_bytes: of the file.
        idle_timeout_s: seconds to wait for the next `STEADY_BYTES`, or the end.
    """

    max_bytes: int
    idle_timeout_s: float


@dataclass
class Form:
    """A form as it was received.

    Attributes:
        filename: of the file as the client named it, without folders.
        size: of the file, bytes.
        values: the text parts by name.
        sha256: of the file, hexadecimal.
    """

    filename: str = ""
    size: int = 0
    values: dict[str, str] = field(default_factory=dict)
    sha256: str = ""


async def receive_form(
    request: Request, to: Path, options: Collection[str], limits: UploadLimits
) -> Form:
    """Read a form with one part `file`, which goes to disk, and text parts in any order.

    Args:
        request: its body is read, and no further than the first fault.
        to: where the file goes; what it holds after an error is for the caller to remove.
        options: names of the text parts that are allowed.
        limits: of the upload.

    Raises:
        NotMultipart: the body is of another content type.
        MalformedForm: the body breaks the format or ends early.
        InvalidRequest: a part is unknown, doubled or too long, or there is no file or an empty one.
        UploadTooLarge: the file is past the limit.
        UploadTooSlow: the client stalled.
        StorageFull: the volume of `to` is full.
    """
    boundary = _boundary(request)
    _check_declared_length(request.headers.get("content-length"), limits)
    try:
        with to.open("wb") as file:
            reader = _FormReader(boundary, file, options, limits.max_bytes)
            await _feed(request, reader.write, limits.idle_timeout_s)
            return reader.finish()
    except FormParserError as error:
        raise MalformedForm(f"Got a body that isn't valid multipart/form-data: {error}.") from error
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFull("The data volume is full; try a smaller file or later.") from error
        raise


async def _feed(request: Request, write: Callable[[bytes], None], idle_timeout_s: float) -> None:
    """Pass the body on in large blocks, each in a thread, since writing to disk blocks."""
    block = bytearray()
    chunks = aiter(request.stream())
    deadline, came = anyio.current_time() + idle_timeout_s, 0
    while True:
        try:
            with anyio.fail_at(deadline):
                chunk = await anext(chunks, None)
        except TimeoutError as error:
            raise UploadTooSlow(
                f"Got {came} bytes of the body in {idle_timeout_s:g} s, wanted it to go on with at "
                f"least {STEADY_BYTES}."
            ) from error
        if chunk is not None:
            block += chunk
        if len(block) >= BLOCK_BYTES or (chunk is None and block):
            await anyio.to_thread.run_sync(write, bytes(block))
            block.clear()
        if chunk is None:
            return
        came += len(chunk)
        if came >= STEADY_BYTES:  # a byte now and then would hold the connection for ever
            deadline, came = anyio.current_time() + idle_timeout_s, 0


def _boundary(request: Request) -> bytes:
    received = request.headers.get("content-type", "")
    kind, parameters = parse_options_header(received)
    if kind != b"multipart/form-data":
        raise NotMultipart(
            f"Got Content-Type {received[:100] or '(none)'}, wanted multipart/form-data with the "
            "video in the part `file`."
        )
    if not parameters.get(b"boundary"):
        raise MalformedForm("Got multipart/form-data without a boundary, wanted one.")
    return parameters[b"boundary"]


def _check_declared_length(declared: str | None, limits: UploadLimits) -> None:
    # A wrong Content-Length is the server's to refuse; a chunked body has none.
    if declared is not None and int(declared) > limits.max_bytes + FORM_BYTES:
        raise UploadTooLarge(_too_large(f"a body of {int(declared)} bytes", limits.max_bytes))


def _too_large(received: str, max_bytes: int) -> str:
    return (
        f"Got {received}, wanted a file of at most {max_bytes} bytes ({max_bytes / 2**20:g} MiB)."
    )


class _FormReader:
    """Sorts the parts of a multipart body: the file to disk, the options into a dictionary.

    The methods without a docstring are the parser's callbacks, in the order in which they come.
    """

    def __init__(
        self, boundary: bytes, file: BinaryIO, options: Collection[str], max_bytes: int
    ) -> None:
        self._file = file
        self._options = options
        self._max_bytes = max_bytes
        self._form = Form()
        self._received = 0
        self._hash = hashlib.sha256()
        self._ended = False
        self._header_name = b""
        self._header_value = b""
        self._disposition = b""
        self._part = ""
        self._value = bytearray()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part_begin,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
                "on_end": self._on_end,
            },
        )

    def write(self, data: bytes) -> None:
        """Take the next bytes of the body."""
        self._received += len(data)
        if self._received > self._max_bytes + FORM_BYTES:
            raise UploadTooLarge(_too_large("a larger body", self._max_bytes))
        self._parser.write(data)

    def finish(self) -> Form:
        """Return the form after the last byte of the body."""
        if not self._ended:
            raise MalformedForm("Got a body that ends before its last boundary, wanted all of it.")
        if not self._form.filename:
            raise InvalidRequest([Fault("file", None, "one part `file` that holds the video")])
        if not self._form.size:
            raise InvalidRequest([Fault("file", "(0 bytes)", "a file that holds a video")])
        self._form.sha256 = self._hash.hexdigest()
        return self._form

    def _on_part_begin(self) -> None:
        self._disposition = b""
        self._value = bytearray()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name = self._header_value = b""

    def _on_headers_finished(self) -> None:
        _, parameters = parse_options_header(self._disposition)
        if b"name" not in parameters:
            raise MalformedForm("Got a part without a name, wanted Content-Disposition with one.")
        self._part = _text(parameters[b"name"], "a part's name")
        if self._part == "file":
            if self._form.filename:
                raise InvalidRequest([Fault("file", "(two parts)", "one part `file`")])
            self._form.filename = _plain_name(parameters.get(b"filename", b""))
        elif self._part not in self._options:
            wanted = f"no part but file, {', '.join(self._options)}"
            raise InvalidRequest([Fault(self._part[:100], "(a part)", wanted)])
        elif self._part in self._form.values:
            raise InvalidRequest([Fault(self._part, "(two parts)", "the option once")])

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._part == "file":
            self._form.size += end - start
            if self._form.size > self._max_bytes:
                raise UploadTooLarge(_too_large("a larger file", self._max_bytes))
            block = memoryview(data)[start:end]
            self._hash.update(block)
            self._file.write(block)
        else:
            self._value += data[start:end]
            if len(self._value) > OPTION_BYTES:
                wanted = f"at most {OPTION_BYTES} bytes"
                raise InvalidRequest([Fault(self._part, "(a longer value)", wanted)])

    def _on_part_end(self) -> None:
        if self._part != "file":
            self._form.values[self._part] = _text(bytes(self._value), f"option {self._part}")

    def _on_end(self) -> None:
        self._ended = True


def _text(data: bytes, what: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise MalformedForm(f"Got {what} that isn't UTF-8: {data[:100]!r}.") from error


def _plain_name(filename: bytes) -> str:
    r"""Make the client's file name fit to show: no folders, nothing unprintable, not long.

    >>> _plain_name(b"..\\clips/dog.mp4")
    'dog.mp4'
    """
    name = re.split(r"[/\\]", filename.decode(errors="replace"))[-1]
    return "".join(c for c in name if c.isprintable())[:255] or "upload"
