"""An upload past the limit, and the memory it takes: `python -m tests.faults.big_upload`."""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from jobs.periodic import Periodic
from tests.faults.findings import Findings
from tests.faults.traces import Traces
from tests.faults.whole_service import WholeService

MIB = 2**20
BOUNDARY = "cut"
HEAD = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="film.mp4"\r\n\r\n'
).encode()
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()
BLOCK = bytes(MIB)
FLAT_MIB = 64.0
UNDER_WAY_MIB = 64  # sent, and not taken in yet, when the answer comes


class Memory(Periodic):
    """A process's memory and a folder's files in MiB, looked at ten times a second."""

    def __init__(self, pid: int, folder: Path) -> None:
        super().__init__(0.1, "memory")
        self._pid = pid
        self._folder = folder
        self.before = self.most = self.now()
        self.most_stored = 0.0

    def now(self) -> float:
        """Return what the process holds, MiB."""
        status = Path("/proc", str(self._pid), "status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def run_once(self) -> None:
        """Look."""
        self.most = max(self.most, self.now())
        self.most_stored = max(self.most_stored, stored(self._folder))


def main() -> int:
    """Post a file past the limit, with and without its length; tell what the API did of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.big_upload", description=__doc__)
    parser.add_argument("--mib", type=int, default=2112, help="of the upload; default: 2112")
    parser.add_argument("--limit-mib", type=int, default=2048, help="default: 2048, the usual one")
    arguments = parser.parse_args()
    findings = Findings(f"{arguments.mib} MiB posted where {arguments.limit_mib} MiB are allowed")
    with Traces() as traces:
        settings = {"ROTOGRAPH_MAX_UPLOAD_MIB": str(arguments.limit_mib)}
        with WholeService(traces.folder, settings=settings) as service:
            for way in ("with its length", "in chunks"):
                run(service, way, arguments, findings)
        traces.check(findings)
    return findings.finish()


def run(service: WholeService, way: str, arguments: argparse.Namespace, findings: Findings) -> None:
    """Post once, and add what was found."""
    (api,) = (pid for pid, part in service.processes().items() if part == "api")
    sent: list[int] = []
    begun = time.monotonic()
    with Memory(api, service.data / "uploads") as memory:
        answer = post(service.url, arguments.mib, sent, declared=way == "with its length")
        took_s = time.monotonic() - begun
    time.sleep(1)
    told = f"{answer.status_code} {answer.json()['type']}"
    right = (answer.status_code, answer.json()["type"]) == (413, "/problems/upload-too-large")
    findings.hold(f"{way}: answer", told, right)
    findings.note(f"{way}: time to it", f"{took_s:.2f} s")
    most = UNDER_WAY_MIB if way == "with its length" else arguments.limit_mib + UNDER_WAY_MIB
    findings.hold(f"{way}: sent until then", f"{len(sent)} MiB", len(sent) <= most)
    findings.note(f"{way}: on the disk at most", f"{memory.most_stored:.0f} MiB")
    left = stored(service.data / "uploads")
    findings.hold(f"{way}: stored afterwards", f"{left:.0f} MiB", left == 0)
    findings.hold(
        f"{way}: memory of the API before, at most, after",
        f"{memory.before:.0f}, {memory.most:.0f}, {memory.now():.0f} MiB",
        memory.most < memory.before + FLAT_MIB,
    )


def post(url: str, mib: int, sent: list[int], *, declared: bool) -> httpx.Response:
    """Post a form with a file of so many MiB, which is made as it is sent."""

    def body() -> Iterator[bytes]:
        yield HEAD
        for number in range(mib):
            sent.append(number)
            yield BLOCK
        yield TAIL

    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    if declared:
        headers["Content-Length"] = str(len(HEAD) + mib * MIB + len(TAIL))
    return httpx.post(f"{url}/segment", content=body(), headers=headers, timeout=120)


def stored(folder: Path) -> float:
    """Return what the files of a folder take, MiB."""
    total = 0
    for path in folder.iterdir():
        try:
            total += path.stat().st_blocks * 512
        except FileNotFoundError:  # removed meanwhile
            continue
    return total / MIB


if __name__ == "__main__":
    sys.exit(main())
