"""What is tried again: answers and failures that pass, after a pause that grows."""

import random
from dataclasses import dataclass
from typing import Any

import httpx

from client.errors import Unreachable, require_success, retry_after_s
from client.steps import Call, Pause, Task

# Sent by the service, which did nothing then, or by a proxy in front, which doesn't know.
_REFUSED_FOR_NOW = frozenset({429, 503})
_LOST_ON_THE_WAY = frozenset({502, 504})
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_BROKEN = (httpx.NetworkError, httpx.TimeoutException, httpx.RemoteProtocolError, httpx.ProxyError)


@dataclass(frozen=True)
class Retries:
    """How often and after how long something is tried again.

    Attributes:
        attempts: in all, the first one too.
        first_s: about how long the first pause is; each is twice as long as the one before it.
        longest_s: the longest pause. A service that asks for a longer one isn't asked again.
    """

    attempts: int = 6
    first_s: float = 0.5
    longest_s: float = 30.0

    def pause_s(self, attempt: int) -> float:
        """Return how long to wait after a failed attempt, counted from 1.

        Clients that failed together don't come back together.
        """
        longest = min(self.longest_s, self.first_s * 2.0 ** (attempt - 1))
        return longest * random.uniform(0.5, 1)


def answered(call: Call, retries: Retries) -> Task[httpx.Response]:
    """Send a request until it is answered.

    Raises:
        Unreachable: no attempt was answered.
        ProblemError: the service answered with a problem.
        NotOurs: something else answered.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            answer: httpx.Response = yield call
        except httpx.TransportError as error:
            if attempt >= retries.attempts or not _passes(call, error):
                raise unreachable(error, attempt) from error
            yield Pause(retries.pause_s(attempt))
            continue
        asked_s = retry_after_s(answer)
        pause_s = retries.pause_s(attempt) if asked_s is None else asked_s
        if attempt >= retries.attempts or pause_s > retries.longest_s or not _again(call, answer):
            return require_success(answer)
        yield Pause(pause_s)


def _passes(call: Call, error: httpx.TransportError) -> bool:
    return isinstance(error, _NEVER_SENT) or (call.repeatable and isinstance(error, _BROKEN))


def _again(call: Call, answer: httpx.Response) -> bool:
    if answer.status_code in _REFUSED_FOR_NOW:
        return True
    return call.repeatable and answer.status_code in _LOST_ON_THE_WAY


def unreachable(error: httpx.TransportError, attempts: int) -> Unreachable:
    """Return the error for a request that failed so often, to be raised."""
    times = "once" if attempts == 1 else f"{attempts} times"
    try:
        address: Any = error.request.url
    except RuntimeError:  # httpx has no request where it failed before there was one
        address = "the service"
    return Unreachable(f"Tried {address} {times}: {error or type(error).__name__}.")
