"""The bodies of an upload: a form or the video itself, or JSON that names it, and its options."""

import json
import mimetypes
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import collapse_rfc2231_value
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from formats.filenames import safe_name
from jobs.values import JobRequest, Options
from service.errors import (
    Fault,
    InvalidRequest,
    MalformedBody,
    UploadTooLarge,
    UploadTooSlow,
)
from service.problems import fault_of, shown
from service.receiving import FileSink, Stalled, UploadLimits, pass_on, storing, too_large

MULTIPART = "multipart/form-data"
RAW = "video/*"
JSON = "application/json"
JSON_BYTES = 2**16
# What a form may weigh beside the file: boundaries, part headers and the options.
FORM_BYTES = 2**16
OPTION_BYTES = 2**13
OPTIONS = tuple(field.name for field in fields(Options))
_CHECKED = TypeAdapter(Options)

OPTION_SCHEMAS: Mapping[str, Any] = _CHECKED.json_schema()["properties"]
"""The options as the OpenAPI document shows them, by name."""


@dataclass
class Form:
    """A form as received; `filename` is safe on any system, `size` bytes, `sha256` hexadecimal."""

    filename: str = ""
    size: int = 0
    values: dict[str, str] = field(default_factory=dict)
    sha256: str = ""


async def receive_form(
    request: Request, to: Path, options: Collection[str], limits: UploadLimits
) -> Form:
    """Read a form with one part `file`, stored at `to`, and text parts in any order.

    It reads up to the first fault; what `to` holds then is for the caller to remove. Raises
    MalformedBody, InvalidRequest, UploadTooLarge, UploadTooSlow or StorageFull.
    """
    boundary = _boundary(request)
    _check_declared_length(request.headers.get("content-length"), limits)
    try:
        with storing(to, limits.max_bytes) as sink:
            reader = _FormReader(boundary, sink, options, limits.max_bytes)
            await pass_on(aiter(request.stream()), reader.write, limits.idle_timeout_s)
            return reader.finish()
    except FormParserError as error:
        raise MalformedBody(f"The body isn't valid multipart/form-data: {error}.") from error
    except Stalled as error:
        raise UploadTooSlow(str(error)) from error


def _boundary(request: Request) -> bytes:
    _, parameters = parse_options_header(request.headers.get("content-type", ""))
    if not parameters.get(b"boundary"):
        raise MalformedBody("Content-Type multipart/form-data must name a boundary.")
    return parameters[b"boundary"]


def _check_declared_length(declared: str | None, limits: UploadLimits) -> None:
    # A wrong Content-Length is the server's to refuse; a chunked body has none.
    if declared is not None and int(declared) > limits.max_bytes + FORM_BYTES:
        raise UploadTooLarge(too_large(limits.max_bytes, f"a body of {int(declared)} bytes"))


class _FormReader:
    """Sorts a multipart body's parts: the file to disk, the options into a dictionary.

    The methods without a docstring are the parser's callbacks, in the order in which they come.
    """

    def __init__(
        self, boundary: bytes, sink: FileSink, options: Collection[str], max_bytes: int
    ) -> None:
        self._sink = sink
        self._options = options
        self._max_bytes = max_bytes
        self._form = Form()
        self._received = 0
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
            raise UploadTooLarge(too_large(self._max_bytes))
        self._parser.write(data)

    def finish(self) -> Form:
        """Return the form after the last byte of the body."""
        if not self._ended:
            raise MalformedBody("The body ends before its last boundary.")
        if not self._form.filename:
            raise InvalidRequest(Fault("file", None, "one part that holds the video"))
        if not self._sink.size:
            raise InvalidRequest(Fault("file", "0 bytes", "a file that holds a video"))
        self._form.size, self._form.sha256 = self._sink.size, self._sink.sha256
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
            raise MalformedBody("Each part must have a name in its Content-Disposition.")
        self._part = _text(parameters[b"name"], "A part's name")
        if self._part == "file":
            if self._form.filename:
                raise InvalidRequest(Fault("file", "two parts", "one part"))
            named = filename_in(self._disposition, parameters.get(b"filename", b""))
            self._form.filename = safe_name(named, "upload")
        elif self._part not in self._options:
            others = f"one of file, {', '.join(self._options)}"
            raise InvalidRequest(Fault(self._part[:100], "a part", others, known=False))
        elif self._part in self._form.values:
            raise InvalidRequest(Fault(self._part, "two parts", "given once"))

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._part == "file":
            self._sink.write(memoryview(data)[start:end])
        else:
            self._value += data[start:end]
            if len(self._value) > OPTION_BYTES:
                wanted = f"at most {OPTION_BYTES} bytes"
                raise InvalidRequest(Fault(self._part, "a longer value", wanted))

    def _on_part_end(self) -> None:
        if self._part != "file":
            self._form.values[self._part] = _text(bytes(self._value), f"The option {self._part}")

    def _on_end(self) -> None:
        self._ended = True


def _text(data: bytes, what: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise MalformedBody(f"{what} must be UTF-8, got {data[:100]!r}.") from error


def filename_in(disposition: bytes, plain: bytes) -> str:
    """Return the file name in a Content-Disposition, decoded.

    Its `filename*` (RFC 8187) is preferred to `plain`, which may hold encoded words (RFC 2047),
    though RFC 7578 wants none in forms, which is why the parser leaves it out.

    >>> filename_in(b"form-data; filename=x; filename*=UTF-8''d%C3%B6g.mp4", b"x")
    'd\u00f6g.mp4'
    >>> filename_in(b"", b"=?utf-8?B?ZMO2Zy5tcDQ=?=")
    'd\u00f6g.mp4'
    """
    message = Message()
    message["Content-Disposition"] = disposition.decode("latin-1")
    text = plain.decode(errors="replace")
    try:
        for name, value in message.get_params([], "content-disposition"):
            if name == "filename" and isinstance(value, tuple) and value[0]:
                return collapse_rfc2231_value(value)
        return str(make_header(decode_header(text)))
    except (MessageError, LookupError, UnicodeError):
        return text


async def receive_video(request: Request, to: Path, limits: UploadLimits) -> Form:
    """Read a body that is the video itself, with its name and options in the query, to a file.

    What it holds after an error is for the caller to remove: InvalidRequest, UploadTooLarge,
    UploadTooSlow or StorageFull.
    """
    values = _object(request.query_params.multi_items())
    _check_declared_length(request.headers.get("content-length"), limits)
    kind = request.headers["content-type"].partition(";")[0].strip().lower()
    otherwise = f"upload{mimetypes.guess_extension(kind) or ''}"
    name = safe_name(values.pop("filename", ""), otherwise)
    try:
        with storing(to, limits.max_bytes) as sink:
            await pass_on(aiter(request.stream()), sink.write, limits.idle_timeout_s)
    except Stalled as error:
        raise UploadTooSlow(str(error)) from error
    if not sink.size:
        raise InvalidRequest(Fault("the body", "0 bytes", "a file that holds a video"))
    return Form(name, sink.size, values, sink.sha256)


@dataclass(frozen=True)
class UrlBody:
    """What was received."""

    url: str
    values: Mapping[str, Any]


async def receive_url_body(request: Request, idle_timeout_s: float) -> UrlBody:
    """Read a body such as `{"url": "https://example.org/dog.mp4", "every": 2}`.

    Raises MalformedBody, InvalidRequest, UploadTooLarge past `JSON_BYTES`, or UploadTooSlow.
    """
    body = bytearray()

    def write(block: bytes) -> None:
        body.extend(block)
        if len(body) > JSON_BYTES:
            raise UploadTooLarge(f"A JSON body must have at most {JSON_BYTES} bytes, got more.")

    try:
        await pass_on(aiter(request.stream()), write, idle_timeout_s)
    except Stalled as error:
        raise UploadTooSlow(str(error)) from error
    values = _parsed(bytes(body))
    url = values.pop("url", None)
    if not isinstance(url, str):
        got = None if url is None else json.dumps(url)[:100]
        raise InvalidRequest(Fault("url", got, "the address of a video, as a string"))
    return UrlBody(url, values)


def _parsed(body: bytes) -> dict[str, Any]:
    wanted = 'The body must be valid JSON, an object such as {"url": "https://example.org/dog.mp4"}'
    try:
        parsed = json.loads(body.decode(), object_pairs_hook=_object)
        json.dumps(parsed, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise MalformedBody(f"{wanted}: {error}.") from error
    if not isinstance(parsed, dict):
        raise MalformedBody(f"{wanted}, got {body[:100].decode(errors='replace')!r}.")
    return parsed


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise InvalidRequest(Fault(name[:100], "two values", "given once"))
    return dict(pairs)


def parse_options(values: Mapping[str, Any], *, strict: bool = False) -> Options:
    """Check options, typed if `strict`, as in JSON, else texts; InvalidRequest names all faults."""
    if not strict:
        values = {name: value for name, value in values.items() if value}
    try:
        options = _CHECKED.validate_json(json.dumps(values), strict=strict)
    except ValidationError as error:
        first = {item["loc"][0]: item for item in reversed(error.errors())}
        faults = [fault_of(first[name], name, among=OPTIONS) for name in values if name in first]
        raise InvalidRequest(*faults) from error
    if options.end_s is not None and options.end_s <= options.start_s:
        wanted = f"greater than start_s={options.start_s:g}"
        raise InvalidRequest(Fault("end_s", shown(values["end_s"]), wanted))
    return options


def to_request(options: Options, filename: str) -> JobRequest:
    return JobRequest(filename=filename, **asdict(options))
