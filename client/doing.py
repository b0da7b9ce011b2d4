"""Tasks carried out: in one way that waits, and in one that is awaited."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, aclosing, closing
from typing import Any

import anyio
import httpx

from client.steps import Call, Pause, Read, Step, Task, Tell


def each(http: httpx.Client, task: Task[None]) -> Iterator[Any]:
    """Carry out a task; yield what it tells."""
    came: Any = None
    failed: httpx.TransportError | None = None
    with closing(task), closing(_Doing(http)) as doing:
        while (step := _following(task, came, failed)) is not None:
            came = failed = None
            if isinstance(step, Tell):
                yield step.value
                continue
            try:
                came = doing.do(step)
            except httpx.TransportError as error:
                failed = error


async def each_async(http: httpx.AsyncClient, task: Task[None]) -> AsyncIterator[Any]:
    """Carry out a task as `each` does."""
    came: Any = None
    failed: httpx.TransportError | None = None
    with closing(task):
        async with aclosing(_AsyncDoing(http)) as doing:
            while (step := _following(task, came, failed)) is not None:
                came = failed = None
                if isinstance(step, Tell):
                    yield step.value
                    continue
                try:
                    came = await doing.do(step)
                except httpx.TransportError as error:
                    failed = error


def _following(task: Task[None], came: Any, failed: httpx.TransportError | None) -> Step | None:
    """Give a task what came of its last step; return its next one, None after the last."""
    try:
        return task.send(came) if failed is None else task.throw(failed)
    except StopIteration:
        return None


class _Doing:
    """Does steps one after another, and holds the answer that was opened last."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._opened = ExitStack()
        self._body: Iterator[str] | Iterator[bytes] = iter(())

    def close(self) -> None:
        self._opened.close()

    def do(self, step: Call | Pause | Read) -> Any:
        match step:
            case Pause(seconds):
                time.sleep(seconds)
                return None
            case Read():
                return next(self._body, None)
            case Call():
                return self._send(step)

    def _send(self, call: Call) -> httpx.Response:
        self._opened.close()
        answer = self._http.send(call.request(self._http), stream=True)
        if call.opened is None or not answer.is_success:
            answer.read()
            return answer
        self._opened.callback(answer.close)
        self._body = answer.iter_lines() if call.opened == "lines" else answer.iter_bytes()
        return answer


class _AsyncDoing:
    """Does steps as `_Doing` does."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._opened = AsyncExitStack()
        self._body: AsyncIterator[str] | AsyncIterator[bytes]

    async def aclose(self) -> None:
        await self._opened.aclose()

    async def do(self, step: Call | Pause | Read) -> Any:
        match step:
            case Pause(seconds):
                await anyio.sleep(seconds)
                return None
            case Read():
                return await anext(self._body, None)
            case Call():
                return await self._send(step)

    async def _send(self, call: Call) -> httpx.Response:
        await self._opened.aclose()
        answer = await self._http.send(call.request(self._http), stream=True)
        if call.opened is None or not answer.is_success:
            await answer.aread()
            return answer
        self._opened.push_async_callback(answer.aclose)
        self._body = answer.aiter_lines() if call.opened == "lines" else answer.aiter_bytes()
        return answer
