"""What a client prefers and accepts, and which part of a file it asks for."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

import anyio.to_thread
from fastapi.responses import FileResponse
from starlette.datastructures import Headers
from starlette.staticfiles import NotModifiedResponse
from starlette.types import Message, Receive, Scope, Send

from service.errors import BeyondTheFile, Fault, InvalidRequest, NotAcceptable

# nginx holds back what it passes on, unless it is told here not to.
UNBUFFERED = {"X-Accel-Buffering": "no"}


@dataclass(frozen=True)
class Preference:
    """How many seconds a client wants to wait, up to the cap, and its Preference-Applied header."""

    wait_s: float
    applied: str | None

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.applied is None else {"Preference-Applied": self.applied}


def preference(headers: Sequence[str], default_s: float, longest_s: float) -> Preference:
    """Read the Prefer headers (RFC 7240): `respond-async` and `wait=N` seconds.

    What can't be understood is ignored, as the RFC demands; of several, the first counts.

    >>> preference(["wait=3, handling=lenient"], 10, 60)
    Preference(wait_s=3, applied='wait=3')
    >>> preference(["respond-async, wait=100"], 10, 60)
    Preference(wait_s=60, applied='respond-async, wait=60')
    >>> preference(["respond-async"], 10, 60)
    Preference(wait_s=0, applied='respond-async')
    >>> preference(["wait=soon"], 10, 60)
    Preference(wait_s=10, applied=None)
    """
    wait: int | None = None
    respond_async = False
    for item in ",".join(headers).split(","):
        name, _, value = item.split(";")[0].partition("=")
        value = value.strip().strip('"')
        match name.strip().lower():
            case "wait" if wait is None and value.isascii() and value.isdigit():
                wait = int(value[:9])
            case "respond-async" if not value:
                respond_async = True
    applied = ["respond-async"] if respond_async else []
    if wait is not None:
        wait = min(wait, int(longest_s))
        applied.append(f"wait={wait}")
        return Preference(wait, ", ".join(applied))
    return Preference(0, "respond-async") if respond_async else Preference(default_s, None)


def media_type(accept: str | None, offered: Sequence[str]) -> str:
    """Choose the type, best on offer first, that a client likes most; raises NotAcceptable.

    >>> media_type("application/*;q=0.5, text/html", ["application/json"])
    'application/json'
    >>> media_type(None, ["application/json", "application/x-ndjson"])
    'application/json'
    """
    if not accept:
        return offered[0]
    qualities = [(_quality(accept, name), name) for name in offered]
    best, name = max(qualities, key=lambda pair: pair[0])
    if best <= 0:
        raise NotAcceptable(f"Accept must allow {' or '.join(offered)}, got {accept[:200]!r}.")
    return name


def attachment(filename: str) -> str:
    """Write a Content-Disposition that names the file to keep (RFC 6266).

    >>> attachment("dog.coco.json")
    'attachment; filename="dog.coco.json"'
    >>> attachment('d\u00f6g "1".json')
    "attachment; filename*=UTF-8''d%C3%B6g%20%221%22.json"
    """
    quoted = quote(filename, safe="")
    if quoted == filename:
        return f'attachment; filename="{filename}"'
    return f"attachment; filename*=UTF-8''{quoted}"


def _quality(accept: str, name: str) -> float:
    general = f"{name.split('/', maxsplit=1)[0]}/*"
    found: dict[str, float] = {}
    for item in accept.lower().split(","):
        media_range, *parameters = (part.strip() for part in item.split(";"))
        quality = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                quality = _number(value)
        found[media_range] = quality
    return next((found[r] for r in (name, general, "*/*") if r in found), 0.0)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0 <= value <= 1 else 0.0


class FileAnswer(FileResponse):
    """Starlette's file answer; raises InvalidRequest or BeyondTheFile for a wrong `Range`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if self.stat_result is None:
            self.stat_result = await anyio.to_thread.run_sync(os.stat, self.path)
            self.set_stat_headers(self.stat_result)
        tags = headers.get("if-none-match", "").split(",")
        known = {tag.strip().removeprefix("W/") for tag in tags}
        if known & {"*", self.headers["etag"]}:
            await NotModifiedResponse(self.headers)(scope, receive, send)
            return
        asked = headers.get("range", "")[:100]

        async def send_or_raise(message: Message) -> None:
            if message["type"] == "http.response.start":
                if message["status"] == 400:
                    wanted = "parts such as bytes=0-99, bytes=100- or bytes=-100"
                    raise InvalidRequest(Fault("Range", asked, wanted))
                if message["status"] == 416:
                    size = Headers(raw=message["headers"])["content-range"].rpartition("/")[2]
                    raise BeyondTheFile(asked, int(size))
            await send(message)

        await super().__call__(scope, receive, send_or_raise)
