"""What stands between the server and the routes: request ids, headers, early answers."""

import logging
import re
import time
import uuid

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import INTERNAL_ERROR, NotReady, kind_of
from service.links import Links
from service.problems import problem_response
from service.schemas import Problem
from service.watch import Stopping

_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# An answer that isn't a page loads nothing, whatever a browser takes it for.
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
# A page runs and loads what this service itself serves, and what it was given by its user.
PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# A client that is told at once stops soon; one that only reads when all is sent gets this far.
LINGER_BYTES = 2**25
LINGER_S = 5.0
STOPPED = "The service stops before the request is done; send it again."
_log = logging.getLogger(__name__)


class Access:
    """The outermost ASGI middleware: a request keeps an X-Request-ID fit for a log, or gets one.

    It stands in the answer's header, in the log and in problems. Once stopping, connections aren't
    kept.
    """

    def __init__(self, app: ASGIApp, stopping: Stopping) -> None:
        self._app = app
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.monotonic()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers.update(scope["state"].get("headers", {}))  # of any answer to this client
                if self._stopping.begun:
                    headers["Connection"] = "close"
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except anyio.get_cancelled_exc_class():
            # By the server, which waits no longer for the answers that it owes.
            if status:
                raise
            kind = kind_of(NotReady)
            scope["state"]["problem"] = kind.slug
            problem = Problem.of(kind, STOPPED, Links.of(scope), request_id=request_id)
            retry = {"Retry-After": str(kind.retry_after_s)}
            await problem_response(problem, retry)(scope, receive, send_with_id)
        except ClientDisconnect:
            _log.info("client left", extra={"request_id": request_id})
        except Exception:
            _log.exception("request failed", extra={"request_id": request_id})
            if status:
                raise  # The answer has begun: only a broken connection can say that it is cut.
            scope["state"]["problem"] = INTERNAL_ERROR.slug
            problem = Problem.of(
                INTERNAL_ERROR, INTERNAL_ERROR.example, Links.of(scope), request_id=request_id
            )
            await problem_response(problem)(scope, receive, send_with_id)
        finally:
            _log.info(
                "request",
                extra={
                    "method": scope["method"],
                    "path": scope["path"],
                    "status": status,
                    "duration_ms": round((time.monotonic() - started) * 1000),
                    "request_id": request_id,
                    **{
                        name: scope["state"][name]
                        for name in ("key", "problem")
                        if name in scope["state"]
                    },
                },
            )


class Head:
    """ASGI middleware that answers HEAD as GET, without the body, which isn't made to its end."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        asked = {**scope, "method": "GET"}
        with anyio.CancelScope() as rest:

            async def send_start(message: Message) -> None:
                if message["type"] == "http.response.start":
                    await send(message)
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                    rest.cancel()

            await self._app(asked, receive, send_start)
        scope["route"] = asked.get("route")  # for the metrics


class SecurityHeaders:
    """ASGI middleware that adds them where a route hasn't set its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "no-referrer")
                if message["status"] != 304:  # whose headers replace those that a browser keeps
                    headers.setdefault("Content-Security-Policy", _policy(headers))
                # Videos and results are their owner's: no cache on the way may keep them, and the
                # owner's own may use again only what has a tag to ask by.
                kept = "private, no-cache" if "etag" in headers else "no-store"
                headers.setdefault("Cache-Control", kept)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _policy(headers: MutableHeaders) -> str:
    is_page = headers.get("content-type", "").startswith("text/html")
    return PAGE_POLICY if is_page else DATA_POLICY


class Linger:
    """ASGI middleware that takes in some more of an upload after its early answer.

    A server that closes a connection with unread bytes resets it, and the reset can overtake the
    answer: the client sees a broken connection in place of the problem. So the answer goes out
    first, and the connection closes when the client has stopped, up to a bound in bytes and time.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        unread = "content-length" in headers or "transfer-encoding" in headers
        # Such a client sends nothing before it is asked to, and an answer doesn't ask.
        waits = "expect" in headers

        async def watched_receive() -> Message:
            nonlocal unread, waits
            waits = False
            message = await receive()
            unread = message["type"] == "http.request" and message.get("more_body", False)
            return message

        async def lingering_send(message: Message) -> None:
            ends = message["type"] == "http.response.body" and not message.get("more_body", False)
            if not ends or not unread or waits:
                await send(message)
                return
            await send({**message, "more_body": True})
            taken = 0
            with anyio.move_on_after(LINGER_S):
                while unread and taken < LINGER_BYTES:
                    taken += len((await watched_receive()).get("body", b""))
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self._app(scope, watched_receive, lingering_send)
