"""Where this service is for its clients: the addresses that answers name, also behind a proxy."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from service.errors import Kind

ROOT_PATH = r"(/[A-Za-z0-9._~-]+)*"


@dataclass(frozen=True)
class Links:
    """Addresses as the client of a request has to use them, without a slash at the base's end.

    `base` is that of the service, such as `https://example.org/video`; its path is `root_path`.
    """

    base: str
    root_path: str = ""

    @classmethod
    def of(cls, scope: Scope) -> "Links":
        base = Request(scope).base_url
        return cls(str(base).rstrip("/"), base.path.rstrip("/"))

    def job(self, job_id: str) -> str:
        return f"{self.base}/jobs/{job_id}"

    def result(self, job_id: str) -> str:
        return f"{self.job(job_id)}/result"

    def jobs(self, query: Mapping[str, object]) -> str:
        return f"{self.base}/jobs?{urlencode(query, doseq=True)}"

    def problem(self, kind: Kind) -> str:
        """Return the type of a problem: a path, so that it is the same by every name of a host."""
        return self.root_path + kind.type


class BehindProxy(ProxyHeadersMiddleware):
    """Believes trusted proxies, by address or network, what they tell of a request, path included.

    They may leave the path below which they show the service in requests, or take it off; it is
    `root_path` where no X-Forwarded-Prefix says otherwise.
    """

    def __init__(self, app: ASGIApp, trusted: Sequence[str], root_path: str) -> None:
        # uvicorn types ASGI in its own way.
        super().__init__(app, list(trusted))  # type: ignore[arg-type] # as above
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # type: ignore[override] # as above
        if scope["type"] == "http" and (root := self._root_path_of(scope)):
            path = scope["path"]
            if path == root:  # below it, relative addresses of the page would lead elsewhere
                await RedirectResponse(f"{root}/", 308)(scope, receive, send)
                return
            scope["root_path"] = root
            scope["path"] = path if path.startswith(f"{root}/") else root + path
        await super().__call__(scope, receive, send)  # type: ignore[arg-type] # as above

    def _root_path_of(self, scope: Scope) -> str:
        client = scope.get("client")
        if client is not None and client[0] in self.trusted_hosts:
            prefix = Headers(scope=scope).get("x-forwarded-prefix", "").rstrip("/")
            if prefix and re.fullmatch(ROOT_PATH, prefix):
                return prefix
        return self._root_path
