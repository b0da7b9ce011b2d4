"""How the service is reached: its address, the API key, and how long it may be silent."""

from dataclasses import dataclass, field
from typing import Any

import httpx

URL = "http://127.0.0.1:8000"
# Longer than the service takes to list the frames of an upload (SEGMENT_SCAN_TIMEOUT_S).
SILENCE_S = 120.0
CONNECT_S = 10.0


@dataclass(frozen=True)
class Connection:
    """Where the service is and who calls.

    Attributes:
        url: of the service; its path, if any, stands before those of the API.
        key: an API key; None where the service has none.
        silence_s: how long the service may send nothing.

    Raises:
        ValueError: the URL isn't one of HTTP.
    """

    url: str
    key: str | None = field(repr=False)
    silence_s: float

    def __post_init__(self) -> None:
        try:
            parsed = httpx.URL(self.url)
        except httpx.InvalidURL as error:
            raise ValueError(f"Got the URL {self.url!r}: {error}") from error
        if parsed.scheme not in {"http", "https"} or not parsed.host:
            raise ValueError(f"Got the URL {self.url!r}, wanted one such as {URL}.")

    def open(self) -> httpx.Client:
        """Return an HTTP client that waits."""
        return httpx.Client(**self._settings())

    def open_async(self) -> httpx.AsyncClient:
        """Return an HTTP client that is awaited."""
        return httpx.AsyncClient(**self._settings())

    def _settings(self) -> dict[str, Any]:
        headers = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        timeout = httpx.Timeout(self.silence_s, connect=CONNECT_S)
        return {"base_url": self.url, "headers": headers, "timeout": timeout}
