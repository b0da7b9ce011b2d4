"""Requests to servers that clients name, where they may be reached, once and without redirects."""

import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpcore

from jobs.addresses import AddressGuard, Target

FAILURES = (
    OSError,
    UnicodeError,
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
)
"""What is raised where a server can't be found, is gone, late, or doesn't speak HTTP."""


class Outbound:
    """Sends requests to clients' servers: no redirects, no proxies of the environment."""

    def __init__(self, guard: AddressGuard, tls: ssl.SSLContext | None = None) -> None:
        self._guard = guard
        self._tls = tls or ssl.create_default_context()

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None = None,
        *,
        connect_s: float | None = None,
    ) -> AsyncIterator[httpcore.Response]:
        """Send a request, give the answer, its body unread; raises BadUrl or `FAILURES`."""
        target = self._guard.check(url)
        sent = {"Host": target.authority, **headers, "Connection": "close"}
        async with (
            httpcore.AsyncConnectionPool(
                ssl_context=self._tls, network_backend=_GuardedBackend(self._guard, target)
            ) as pool,
            pool.stream(
                method,
                url,
                headers=list(sent.items()),
                content=content,
                extensions={"timeout": {"connect": connect_s}},
            ) as answer,
        ):
            yield answer

    def post(self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> int:
        """Post, and return the status; raises as `stream`, or TimeoutError after `timeout_s`."""

        async def send() -> int:
            with anyio.fail_after(timeout_s):
                async with self.stream("POST", url, headers, body) as answer:
                    return answer.status

        return anyio.run(send)


class _GuardedBackend(httpcore.AnyIOBackend):
    """Connects to the address that was checked, whatever its name means a moment later."""

    def __init__(self, guard: AddressGuard, target: Target) -> None:
        self._guard = guard
        self._target = target

    async def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - the target's, which was checked
        port: int,  # noqa: ARG002 - the same
        timeout: float | None = None,  # noqa: ASYNC109 - as httpcore calls it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        target = self._target
        try:
            with anyio.fail_after(timeout):
                found = await anyio.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout from error
        address = self._guard.choose(target, [str(each[4][0]) for each in found])
        return await super().connect_tcp(
            address, target.port, timeout, local_address, socket_options
        )
