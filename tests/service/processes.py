"""The whole service in processes of its own, as its users run it."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from service import schemas


@dataclass(frozen=True)
class Service:
    """A running service: its supervisor, a client of its API, its worker's metrics and its log."""

    process: "subprocess.Popen[bytes]"
    client: httpx.Client
    worker_metrics: str
    log: Path

    def wait_until_ready(self) -> schemas.Readiness:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                answer = self.client.get("/readyz")
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.is_success:
                return schemas.Readiness.model_validate(answer.json())
            time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def children(self) -> dict[str, int]:
        """Return the ids of the API and the worker, by name."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        names = [Path(f"/proc/{c}/cmdline").read_text().split("\0")[3] for c in children]
        return dict(zip(names, map(int, children), strict=True))

    def post(self, content: bytes, **options: str) -> httpx.Response:
        """Post a video and wait for its result."""
        return self.client.post(
            "/segment",
            files={"file": ("square.mp4", content)},
            data=options,
            headers={"Prefer": "wait=60", "Cache-Control": "no-cache"},
        )

    def stop(self) -> None:
        """End it in order, and check that nothing of it is left and nothing went wrong."""
        children = self.children()
        self.client.close()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=60) == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in children.values())
        log = self.log.read_text()
        assert "Traceback" not in log
        assert all(line.startswith(("time=", '{"time":')) for line in log.splitlines())


def start(
    folder: Path,
    model: Path,
    *,
    python: str | Path = sys.executable,
    root: Path | None = None,
    **more: str,
) -> Service:
    """Start the service on free ports, with data and log in a folder and `more` as settings."""
    port, metrics_port = free_port(), free_port()
    settings = {
        "ROTOGRAPH_PORT": str(port),
        "ROTOGRAPH_WORKER_METRICS": f"127.0.0.1:{metrics_port}",
        "ROTOGRAPH_DATA_DIR": str(folder / "data"),
        "ROTOGRAPH_MODEL": str(model),
        "ROTOGRAPH_DEVICE": "cpu",
        "ROTOGRAPH_THREADS": "1",
        "ROTOGRAPH_MAX_UPLOAD_MIB": "1",
        "ROTOGRAPH_MAX_FRAMES": "500",
        "ROTOGRAPH_DRAIN_S": "0",
    }
    log = folder / "log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [python, "-m", "service"], env=os.environ | settings | more, stderr=errors, cwd=root
        )
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=90)
    return Service(process, client, f"http://127.0.0.1:{metrics_port}", log)


def free_port() -> int:
    """Choose a port that no connection gets meanwhile: those come from 32768 on."""
    while True:
        port = random.randrange(20_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
