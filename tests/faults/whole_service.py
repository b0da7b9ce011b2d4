"""The whole service in processes of its own, its workers waiting in place of inference."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import httpx

from jobs.database import embedded_url
from tests.faults.segment_log import SegmentLog
from tests.faults.waiting_workers import wait_until
from tests.postgres import PostgresServer

GRACE_S = 180.0
ANSWER_S = 5.0


class WholeService:
    """The service's supervisor, its API, and workers that wait or `real` ones with a model."""

    def __init__(
        self,
        folder: Path,
        database_url: str | None = None,
        *,
        workers: int = 1,
        segment_s: float = 0.0,
        settings: Mapping[str, str] | None = None,
        real: bool = False,
    ) -> None:
        self.data = folder / "data"
        self.log = folder / "service.log"
        self.database_url = database_url or embedded_url(self.data)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._workers = workers
        self._environment = os.environ | {
            "ROTOGRAPH_PORT": str(port),
            "ROTOGRAPH_DATA_DIR": str(self.data),
            "ROTOGRAPH_DATABASE_URL": self.database_url,
            **(settings or {}),
        }
        module = "tests.faults.supervised_workers"
        waiting = [sys.executable, "-m", module, str(workers), str(segment_s)]
        self._command = [sys.executable, "-m", "service"] if real else waiting
        self._supervisor: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.data.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._supervisor = subprocess.Popen(self._command, env=self._environment, stderr=log)
        wait_until(self.ready, f"the service; see {self.log}", GRACE_S)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._supervisor is not None
        self._supervisor.send_signal(signal.SIGTERM)
        self._supervisor.wait(timeout=GRACE_S)

    def ready(self) -> bool:
        """Say whether the API answers and all workers are alive."""
        assert self._supervisor is not None
        if self._supervisor.poll() is not None:
            raise RuntimeError(f"The service ended: {self.log.read_text()}")
        try:
            answer = httpx.get(f"{self.url}/readyz", timeout=ANSWER_S)
        except httpx.TransportError:
            return False
        return answer.is_success and len(answer.json()["workers"]) == self._workers

    def new_key(self, name: str) -> dict[str, str]:
        """Make an API key, and return the header that shows it."""
        command = [sys.executable, "-m", "service", "keys", "create", name]
        key = subprocess.run(
            command, env=self._environment, check=True, capture_output=True, text=True
        ).stdout.split()[-1]
        return {"Authorization": f"Bearer {key}"}

    def processes(self) -> dict[int, str]:
        """Return what runs now: `api` or `worker`, by process id."""
        assert self._supervisor is not None
        pid = self._supervisor.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return {int(child): part for child in children if (part := _part(child))}

    def serving(self) -> dict[int, str]:
        """Return those of `processes` that have begun to serve: to kill others proves little."""
        begun = SegmentLog(self.log).ready()
        try:
            answers = httpx.get(f"{self.url}/livez", timeout=ANSWER_S).is_success
        except httpx.TransportError:
            answers = False
        return {
            pid: part
            for pid, part in self.processes().items()
            if (answers if part == "api" else pid in begun)
        }


@contextmanager
def open_database_of(kind: str) -> Iterator[str | None]:
    """Give the URL of a new database on PostgreSQL, or None for SQLite."""
    if kind == "sqlite":
        yield None
        return
    with PostgresServer() as server:
        yield server.new_database()


def _part(pid: str) -> str:
    try:
        command = Path("/proc", pid, "cmdline").read_text().split("\0")
    except OSError:  # it has just died
        return ""
    if len(command) < 3:  # it has just begun, or is dead
        return ""
    return "api" if command[2:4] == ["service", "api"] else "worker"
