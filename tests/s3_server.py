"""An S3 server of its own, in memory and on a free port, for tests and fault scripts."""

import re
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from tests.processes import untraced

READY_WITHIN_S = 60.0


class S3Server:
    """The server of the package `moto`, which takes any credentials; containers need `0.0.0.0`."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._host = host
        self._folder = TemporaryDirectory(prefix="s3-")
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def __enter__(self) -> Self:
        log = Path(self._folder.name) / "log"
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "moto.server", "-H", self._host, "-p", "0"],
                # Else the first part of a name such as host.containers.internal were the bucket.
                env=untraced() | {"S3_IGNORE_SUBDOMAIN_BUCKETNAME": "true"},
                stdout=file,
                stderr=file,
            )
        deadline = time.monotonic() + READY_WITHIN_S
        while not (told := re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text())):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text())
            time.sleep(0.05)
        self.port = int(told[1])
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables by which its clients find it."""
        return environment(self.port)

    def new_url(self) -> str:
        """Make an empty bucket and return a URL in it."""
        bucket = f"test-{secrets.token_hex(6)}"
        self._ask("PUT", bucket)
        return f"s3://{bucket}/some/where"

    def remove_bucket(self, url: str) -> None:
        """Remove the empty bucket of a URL."""
        self._ask("DELETE", url.split("/")[2])

    def freeze(self) -> None:
        """Let it answer nothing; connections are taken, and hang."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it answer again."""
        self._signal(signal.SIGCONT)

    def _ask(self, method: str, path: str) -> None:
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}/{path}", method=method)
        urllib.request.urlopen(asked).close()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)


def environment(port: int, host: str = "127.0.0.1") -> Mapping[str, str]:
    """Return the variables by which clients find an S3 server at an address."""
    return {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "anybody",
        "AWS_SECRET_ACCESS_KEY": "anything",
    }
