"""A server between a client and the service that loses requests and answers as a test says."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

import httpx


@dataclass(frozen=True)
class Answer:
    """An answer of its own in place of the service's."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"<html>"


@dataclass(frozen=True)
class Cut:
    """The service's answer, but the connection breaks within its body."""

    after: int


# "lost": the request isn't passed on. "unanswered": it is, but its answer is lost.
Fate = Answer | Cut | Literal["lost", "unanswered"]


@dataclass
class Flaky:
    """The requests that came, and the fates of the next ones in turn; those after that go well."""

    url: str
    fates: list[Fate] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)


@contextmanager
def flaky(service_url: str) -> Iterator[Flaky]:
    """Run such a server on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            state.requests.append((self.command, self.path, headers))
            fate = state.fates.pop(0) if state.fates else None
            self.close_connection = True
            if fate == "lost":
                return
            if isinstance(fate, Answer):
                self.reply(fate.status, fate.headers, fate.body, len(fate.body))
                return
            passed = {name: value for name, value in headers.items() if name != "host"}
            passed["accept-encoding"] = "identity"
            url = service_url + self.path
            answer = httpx.request(self.command, url, headers=passed, content=body, timeout=60)
            if fate != "unanswered":
                sent = answer.content[: fate.after] if isinstance(fate, Cut) else answer.content
                self.reply(answer.status_code, dict(answer.headers), sent, len(answer.content))

        do_GET = do_POST = do_DELETE = handle_any  # noqa: N815 - http.server's names

        def reply(self, status: int, headers: dict[str, str], body: bytes, length: int) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = Flaky(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()
