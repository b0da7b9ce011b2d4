"""A JSON body that says where the video is, in place of a form that brings it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from service.errors import Fault, InvalidRequest, MalformedBody, UploadTooLarge, UploadTooSlow
from service.receiving import Stalled, pass_on

JSON = "application/json"
JSON_BYTES = 2**16


@dataclass(frozen=True)
class UrlBody:
    """What was received.

    Attributes:
        url: of the video.
        values: the options by name.
    """

    url: str
    values: Mapping[str, Any]


async def receive_url_body(request: Request, idle_timeout_s: float) -> UrlBody:
    """Read a body such as `{"url": "https://example.org/dog.mp4", "every": 2}`.

    Raises:
        MalformedBody: it isn't a JSON object.
        InvalidRequest: it has no `url`.
        UploadTooLarge: it has more than `JSON_BYTES`.
        UploadTooSlow: the client stalled.
    """
    body = bytearray()

    def write(block: bytes) -> None:
        body.extend(block)
        if len(body) > JSON_BYTES:
            raise UploadTooLarge(
                f"Got a JSON body of more than {JSON_BYTES} bytes, wanted at most that many."
            )

    try:
        await pass_on(aiter(request.stream()), write, idle_timeout_s)
    except Stalled as error:
        raise UploadTooSlow(f"Got {error}") from error
    values = _parsed(bytes(body))
    url = values.pop("url", None)
    if not isinstance(url, str):
        got = None if url is None else json.dumps(url)[:100]
        raise InvalidRequest([Fault("url", got, "the address of a video, as a string")])
    return UrlBody(url, values)


def _parsed(body: bytes) -> dict[str, Any]:
    wanted = 'wanted a JSON object such as {"url": "https://example.org/dog.mp4"}'
    try:
        parsed = json.loads(body.decode(), object_pairs_hook=_object)
        json.dumps(parsed, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise MalformedBody(f"Got a body that isn't valid JSON, {wanted}: {error}.") from error
    if not isinstance(parsed, dict):
        raise MalformedBody(f"Got {body[:100].decode(errors='replace')!r}, {wanted}.")
    return parsed


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise InvalidRequest([Fault(name[:100], "(twice)", "the option once")])
    return dict(pairs)
