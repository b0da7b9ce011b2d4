"""What a task needs from outside: steps that one client does waiting and the other awaiting.

A task is a generator of steps: it yields what is to be done and gets what came of it. So all that
is decided stands in one place for both clients.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import httpx

from client.uploads import Form, Told

Value = TypeVar("Value")


@dataclass(frozen=True)
class Call:
    """A request; its answer comes back, or httpx's error is raised.

    Attributes:
        method: of HTTP.
        path: under the service's URL.
        params: of the query.
        headers: of the request.
        form: to be uploaded.
        json: to be sent in place of a form.
        silence_s: how long the service may send nothing; None for the usual time.
        opened: as what the body of a successful answer is left to `Read`; None for all at once.
        repeatable: whether it may be sent again though it may have been received.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Form | None = None
    json: Mapping[str, Any] | None = None
    silence_s: float | None = None
    opened: Literal["lines", "blocks"] | None = None
    repeatable: bool = True

    def request(self, http: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """Return the request, new and with its upload from the start."""
        request = http.build_request(
            self.method,
            self.path,
            params=self.params or None,  # else httpx takes away the query of the path
            headers=self.headers,
            data=None if self.form is None else self.form.texts(),
            files=None if self.form is None else {"file": (self.form.filename, self.form.file)},
            json=self.json,
            timeout=self._timeout(http),
        )
        if self.form is not None and self.form.progress is not None:
            size = int(request.headers["Content-Length"])
            request.stream = Told(request.stream, size, self.form.progress)
        return request

    def _timeout(self, http: httpx.Client | httpx.AsyncClient) -> httpx.Timeout:
        usual = http.timeout
        if self.silence_s is None:
            return usual
        return httpx.Timeout(max(self.silence_s, usual.read or 0), connect=usual.connect)


@dataclass(frozen=True)
class Pause:
    """A while in which nothing is done."""

    seconds: float


@dataclass(frozen=True)
class Read:
    """The next line or block of the answer that was opened last; None at its end."""


@dataclass(frozen=True)
class Tell:
    """A value for whoever has the task done."""

    value: Any


Step = Call | Pause | Read | Tell
Task = Generator[Step, Any, Value]


def told(task: Task[Value]) -> Task[None]:
    """Return a task that tells what another one returns."""
    value = yield from task
    yield Tell(value)
