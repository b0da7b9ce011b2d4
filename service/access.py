"""Each request's id, its line in the log, and the answer where the code itself fails."""

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problem_kinds import INTERNAL_ERROR
from service.problems import problem_response
from service.schemas import Problem

_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_log = logging.getLogger(__name__)


class Access:
    """The outermost ASGI middleware.

    A request keeps the X-Request-ID that it came with, if it is fit for a log, or gets one. It
    stands in the answer's header, in the log and in problems.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and log it when it is answered."""
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
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except ClientDisconnect:
            _log.info("client left", extra={"request_id": request_id})
        except Exception:
            _log.exception("request failed", extra={"request_id": request_id})
            if status:
                raise  # The answer has begun: only a broken connection can say that it is cut.
            scope["state"]["problem"] = INTERNAL_ERROR.slug
            problem = Problem.of(INTERNAL_ERROR, INTERNAL_ERROR.example, request_id=request_id)
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
