"""Each request counted and timed, under its route."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.metrics import Metrics


class Measure:
    """ASGI middleware, the outermost: what it sees is what the client gets.

    Args:
        app: that answers.
        metrics: where to count.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count it when its answer is over."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        status: int | None = None

        async def counted_receive() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                self._metrics.upload_bytes.inc(len(message.get("body", b"")))
            return message

        async def watched_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            with self._metrics.in_progress.track_inprogress():
                await self._app(scope, counted_receive, watched_send)
        finally:
            state = scope.get("state", {})
            if state.get("canceled"):
                self._metrics.canceled()
            route = scope.get("route")
            self._metrics.answered(
                None if route is None else route.path,
                scope["method"],
                status,
                state.get("problem"),
                time.monotonic() - started,
            )
