"""Requests to the service, sent until they are answered, and answers read as they come."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx

from rotograph._async.upload import AsyncUpload
from rotograph.blocking import async_sleep
from rotograph.connection import client_options
from rotograph.errors import require_success
from rotograph.retry_policy import RetryPolicy
from rotograph.uploads import Form


class AsyncConnection:
    """A service, and how it is asked."""

    def __init__(
        self, url: str, key: str | None, read_timeout_s: float, policy: RetryPolicy
    ) -> None:
        self.policy = policy
        self._http = httpx.AsyncClient(**client_options(url, key, read_timeout_s))

    async def aclose(self) -> None:
        await self._http.aclose()

    async def request(self, method: str, path: str, **parts: Any) -> httpx.Response:
        """Send a request until it is answered; return the read answer.

        Raises UnreachableError, ProblemError or UnexpectedResponseError.
        """
        return await self._send(method, path, parts, streamed=False)

    async def open(self, method: str, path: str, **parts: Any) -> httpx.Response:
        """Send as `request` does, but return an answer that is yet to be read and closed."""
        return await self._send(method, path, parts, streamed=True)

    async def _send(
        self, method: str, path: str, parts: Mapping[str, Any], *, streamed: bool
    ) -> httpx.Response:
        failures = 0
        while True:
            request = self._request(method, path, **parts)
            try:
                answer = await self._http.send(request, stream=True)
                if not (streamed and answer.is_success):
                    await answer.aread()
            except httpx.TransportError as error:
                failures += 1
                await async_sleep(self.policy.pause_after_error(error, failures))
                continue
            failures += 1
            pause_s = self.policy.pause_after_answer(answer, failures)
            if pause_s is None:
                return require_success(answer)
            await async_sleep(pause_s)

    def _request(
        self,
        method: str,
        path: str,
        *,
        params: Any = None,
        headers: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
        form: Form | None = None,
        read_timeout_s: float = 0,
    ) -> httpx.Request:
        """Return a new request, with its upload from the start; `params` None: the path's own."""
        usual = self._http.timeout
        timeout = httpx.Timeout(max(read_timeout_s, usual.read or 0), connect=usual.connect)
        if form is None:
            return self._http.build_request(
                method, path, params=params, headers=headers, json=json, timeout=timeout
            )
        request = self._http.build_request(
            method,
            path,
            headers=headers,
            data=form.fields(),
            files={"file": (form.filename, form.file)},
            timeout=timeout,
        )
        size = int(request.headers["Content-Length"])
        request.stream = AsyncUpload(request.stream, size, form.progress)
        return request


async def lines(answer: httpx.Response) -> AsyncIterator[str]:
    """Yield the lines of an answer, ended by line feeds only: JSON may have U+2028 in a text."""
    rest = b""
    async for block in answer.aiter_bytes():
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r").decode()
    if rest:
        yield rest.decode()
