"""Answers that come before the whole upload was read, so that the client gets to see them."""

import anyio
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# A client that is told at once stops soon; one that only reads when all is sent gets this far.
LINGER_BYTES = 2**25
LINGER_S = 5.0


class Linger:
    """ASGI middleware that takes in some more of an upload after its early answer.

    A server that closes a connection with unread bytes resets it, and the reset can overtake the
    answer: the client sees a broken connection in place of the problem. So the answer goes out
    first, and the connection closes when the client has stopped, up to a bound in bytes and time.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; hold back the end of its answer while the body goes on."""
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
