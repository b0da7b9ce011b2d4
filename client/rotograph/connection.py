"""How the service is reached: its address, the API key, timeouts, and who asks."""

import platform
from typing import Any

import httpx

from rotograph._version import __version__

URL = "http://127.0.0.1:8000"
# Longer than the service takes to list the frames of an upload (ROTOGRAPH_SCAN_TIMEOUT_S).
READ_TIMEOUT_S = 120.0
CONNECT_TIMEOUT_S = 10.0
USER_AGENT = f"rotograph/{__version__} python/{platform.python_version()} httpx/{httpx.__version__}"


def client_options(url: str, key: str | None, read_timeout_s: float) -> dict[str, Any]:
    """Return the arguments of an httpx client; raises ValueError for a URL that isn't HTTP's."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(f"The URL {url!r} is wrong: {error}") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ValueError(f"The URL must be one such as {URL}, got {url!r}.")
    headers = {"User-Agent": USER_AGENT}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    timeout = httpx.Timeout(read_timeout_s, connect=CONNECT_TIMEOUT_S)
    return {"base_url": url, "headers": headers, "timeout": timeout}
