"""What is tried again: answers and failures that pass, after a pause that grows."""

import random
from dataclasses import dataclass

import httpx

from rotograph.errors import UnreachableError, retry_after_s

# 429 and 503 are the service's own; 502 and 504 are those of a proxy, which doesn't know what
# became of the request. Each request may be sent again: what makes a job has a key.
_PASSING_STATUS = frozenset({429, 502, 503, 504})
_PASSING_ERRORS = (
    httpx.NetworkError,
    httpx.TimeoutException,
    httpx.RemoteProtocolError,
    httpx.ProxyError,
)


@dataclass(frozen=True)
class RetryPolicy:
    """How often, in all, and after how long something is tried: pauses double from about `first_s`.

    A service that asks for a pause longer than `longest_s` isn't asked again.
    """

    attempts: int = 6
    first_s: float = 0.5
    longest_s: float = 30.0

    def pause_s(self, failures: int) -> float:
        """Return a pause, of random length so that clients that failed together come back apart."""
        longest = min(self.longest_s, self.first_s * 2.0 ** (failures - 1))
        return longest * random.uniform(0.5, 1)

    def pause_after_error(self, error: httpx.TransportError, failures: int) -> float:
        """Return the pause before the next attempt; raises UnreachableError if there is none."""
        if failures >= self.attempts or not isinstance(error, _PASSING_ERRORS):
            raise _unreachable(error, failures) from error
        return self.pause_s(failures)

    def pause_after_answer(self, answer: httpx.Response, failures: int) -> float | None:
        """Return the pause before the next attempt; None if there is none."""
        if failures >= self.attempts or answer.status_code not in _PASSING_STATUS:
            return None
        asked_s = retry_after_s(answer)
        if asked_s is None:
            return self.pause_s(failures)
        return None if asked_s > self.longest_s else asked_s


def _unreachable(error: httpx.TransportError, attempts: int) -> UnreachableError:
    times = "once" if attempts == 1 else f"{attempts} times"
    try:
        address = str(error.request.url)
    except RuntimeError:  # httpx has no request where it failed before there was one
        address = "the service"
    return UnreachableError(f"Tried {address} {times}: {error or type(error).__name__}.")
