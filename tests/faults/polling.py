"""Many clients that look at a running job: `python -m tests.faults.polling`."""

import argparse
import asyncio
import os
import random
import resource
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
from tqdm import tqdm

from tests.faults.findings import Findings
from tests.faults.supervised_workers import SEGMENT_FRAMES
from tests.faults.traces import Traces
from tests.faults.waiting_workers import write_clip
from tests.faults.whole_service import WholeService, open_database_of

WANTED_P99_S = 0.25
LATE_S = 30.0


class Poller(asyncio.Protocol):
    """A client that asks again and again on one connection; httpx would cost more than the API."""

    def __init__(self, request: bytes, every_s: float, offset_s: float) -> None:
        self._request = request
        self._every_s = every_s
        self._offset_s = offset_s
        self._buffer = b""
        self._asked_at: float | None = None
        self._stopped = False
        self.taken_s: list[float] = []
        self.failures: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time, not at once with all others."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._next_at = self._loop.time() + self._offset_s
        self._loop.call_at(self._next_at, self._ask)

    def data_received(self, data: bytes) -> None:
        """Take in the answer, which has a Content-Length."""
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
        if not end or len(body) < length or self._asked_at is None:
            return
        self.taken_s.append(time.perf_counter() - self._asked_at)
        if not head.startswith(b"HTTP/1.1 200") or b'"state":"running"' not in body:
            self.failures.append(self._buffer[:200].decode(errors="replace"))
        self._buffer, self._asked_at = b"", None
        self._next_at = max(self._next_at + self._every_s, self._loop.time())
        self._loop.call_at(self._next_at, self._ask)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note an answer that never comes."""
        if not self._stopped:
            self.failures.append(f"cut: {exc}")

    def stop(self) -> None:
        """Leave; an answer that isn't there by now is late."""
        self._stopped = True
        if self._asked_at is not None and time.perf_counter() - self._asked_at > LATE_S:
            self.failures.append("late")
        self._transport.abort()

    def _ask(self) -> None:
        if not self._stopped:
            self._asked_at = time.perf_counter()
            self._transport.write(self._request)


async def poll(
    url: str, request: bytes, clients: int, every_s: float, seconds: float
) -> Sequence[Poller]:
    """Let clients poll for a while, each every so often, or at once again where that is 0."""
    loop = asyncio.get_running_loop()
    chance = random.Random(0)
    address = urlsplit(url)
    pollers = [Poller(request, every_s, chance.uniform(0, every_s) + 1) for _ in range(clients)]
    for poller in pollers:
        await loop.create_connection(
            partial(_itself, poller), str(address.hostname), address.port or 80
        )
    await asyncio.sleep(1)
    for _ in tqdm(range(round(seconds)), f"{clients} clients", unit="s"):
        await asyncio.sleep(1)
    for poller in pollers:
        poller.stop()
    return pollers


def _itself(poller: Poller) -> Poller:
    return poller


def main() -> int:
    """Run a job, look at it from many connections, and print how long the answers took."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.polling", description=__doc__)
    parser.add_argument("database", nargs="?", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--clients", type=int, default=1000, help="default: 1000")
    parser.add_argument("--every-s", type=float, default=1.0, help="default: 1, as Retry-After")
    parser.add_argument("--seconds", type=float, default=20.0, help="default: 20")
    parser.add_argument("--key", action="store_true", help="with an API key")
    arguments = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    findings = Findings(
        f"{arguments.clients} clients on {arguments.database}, each polls every "
        f"{arguments.every_s:g} s for {arguments.seconds:g} s"
        + (", with an API key" if arguments.key else "")
    )
    with Traces() as traces:
        with open_database_of(arguments.database) as database_url:
            run(traces.folder, database_url, arguments, findings)
        traces.check(findings)
    return findings.finish()


def run(
    folder: Path, database_url: str | None, arguments: argparse.Namespace, findings: Findings
) -> None:
    """Start the service and a job that runs all the while, and poll."""
    clip = folder / "clip.mp4"
    write_clip(clip, SEGMENT_FRAMES)
    with WholeService(folder, database_url, segment_s=arguments.seconds + 120) as service:
        headers = service.new_key("ada") if arguments.key else {}
        with clip.open("rb") as file:
            answer = httpx.post(
                f"{service.url}/segment",
                files={"file": file},
                headers={"Prefer": "respond-async", **headers},
                timeout=60,
            )
        job = answer.raise_for_status().headers["Location"]
        while httpx.get(job, headers=headers).json()["state"] != "running":
            time.sleep(0.1)
        (api,) = (pid for pid, part in service.processes().items() if part == "api")
        before_s = cpu_time_s(api)
        lines = [f"GET {urlsplit(job).path} HTTP/1.1", f"Host: {urlsplit(service.url).netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        request = "\r\n".join([*lines, "", ""]).encode()
        every_s, seconds = arguments.every_s, arguments.seconds
        pollers = asyncio.run(poll(service.url, request, arguments.clients, every_s, seconds))
        spent_s = cpu_time_s(api) - before_s
        httpx.delete(job, headers=headers)
    taken_s = np.array([taken for poller in pollers for taken in poller.taken_s])
    failures = [failure for poller in pollers for failure in poller.failures]
    p50, p99 = np.percentile(taken_s, (50, 99))
    findings.note(
        "polls answered", f"{len(taken_s)}, {len(taken_s) / arguments.seconds:.0f} a second"
    )
    findings.note("processor time of the API a poll", f"{spent_s / len(taken_s) * 1000:.2f} ms")
    findings.note("p50", f"{p50 * 1000:.0f} ms")
    findings.hold(
        f"p99 under {WANTED_P99_S * 1000:g} ms", f"{p99 * 1000:.0f} ms", p99 < WANTED_P99_S
    )
    findings.note("longest", f"{taken_s.max() * 1000:.0f} ms")
    findings.hold("none failed", f"{len(failures)} failed {failures[:1] or ''}", not failures)


def cpu_time_s(pid: int) -> float:
    """Return how long a process has had a core, as Linux counts it."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
