"""Headers that tell browsers to run nothing, embed nothing and keep nothing of an answer."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# An answer that isn't a page loads nothing, whatever a browser takes it for.
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
# A page runs and loads what this service itself serves, and what it was given by its user.
PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class SecurityHeaders:
    """ASGI middleware that adds them where a route hasn't set its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add to the header of its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "no-referrer")
                headers.setdefault("Content-Security-Policy", _policy(headers))
                # Videos and results are their owner's: no cache on the way may keep them.
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _policy(headers: MutableHeaders) -> str:
    is_page = headers.get("content-type", "").startswith("text/html")
    return PAGE_POLICY if is_page else DATA_POLICY
