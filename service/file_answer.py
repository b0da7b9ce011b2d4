"""A file as an answer, whole or in the parts that a player asks for."""

from fastapi.responses import FileResponse
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from service.errors import BeyondTheFile, Fault, InvalidRequest


class FileAnswer(FileResponse):
    """Starlette's answer with a file, but for its wrong `Range`, which is a problem here.

    Raises:
        InvalidRequest: `Range` isn't one of bytes.
        BeyondTheFile: it begins behind the file's end.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        asked = Headers(scope=scope).get("range", "")[:100]

        async def send_or_raise(message: Message) -> None:
            if message["type"] == "http.response.start":
                if message["status"] == 400:
                    wanted = "parts such as bytes=0-99, bytes=100- or bytes=-100"
                    raise InvalidRequest([Fault("Range", asked, wanted)])
                if message["status"] == 416:
                    size = Headers(raw=message["headers"])["content-range"].rpartition("/")[2]
                    raise BeyondTheFile(asked, int(size))
            await send(message)

        await super().__call__(scope, receive, send_or_raise)
