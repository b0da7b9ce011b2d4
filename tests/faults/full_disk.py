"""A data volume that fills up during jobs: `python -m tests.faults.full_disk DATABASE`."""

import argparse
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from tests.faults.clients import ServiceClients
from tests.faults.findings import Findings
from tests.faults.scenario import trial_options
from tests.faults.segment_log import SegmentLog
from tests.faults.supervised_workers import SEGMENT_FRAMES
from tests.faults.traces import Traces
from tests.faults.waiting_workers import wait_until, write_clip
from tests.faults.whole_service import WholeService, open_database_of

SEGMENTS = 6
VOLUME_MIB = 64
WITHIN_S = 120.0
BLOCK = bytes(4096)


def main() -> int:
    """Fill the volume of the data while jobs run, make room again, and tell what came of them."""
    parser = trial_options("full_disk", __doc__, jobs=5, workers=2, segment_s=2.0)
    parser.add_argument("--full-s", type=float, default=20.0, help="default: 20")
    arguments = parser.parse_args()
    if os.geteuid():
        sys.exit("This needs root: it mounts a small volume.")
    where = "the data" if arguments.database == "postgresql" else "the data and the database"
    findings = Findings(
        f"The volume of {where} full for {arguments.full_s:g} s, {arguments.workers} workers, "
        f"{arguments.jobs} jobs of {SEGMENTS} segments"
    )
    with Traces() as traces:
        clip = traces.folder / "clip.mp4"
        write_clip(clip, SEGMENTS * SEGMENT_FRAMES)
        with (
            volume(traces.folder / "data"),
            open_database_of(arguments.database) as database_url,
            WholeService(
                traces.folder,
                database_url,
                workers=arguments.workers,
                segment_s=arguments.segment_s,
                settings={"ROTOGRAPH_MIN_FREE_MIB": "8"},
            ) as service,
        ):
            run(service, clip, arguments, findings)
        traces.check(findings)
    return findings.finish()


def run(
    service: WholeService, clip: Path, arguments: argparse.Namespace, findings: Findings
) -> None:
    """Let clients come, fill the volume once their jobs go on, and see what becomes of them."""
    segment_log = SegmentLog(service.log)
    clients = ServiceClients(service.url, clip)
    expected = clients.undisturbed()
    before = len(segment_log.taken_up())
    there = service.processes()
    clients.come(arguments.jobs)
    wait_until(
        lambda: all(each.job for each in clients.each) and len(segment_log.taken_up()) > before,
        "the jobs to begin",
        WITHIN_S,
    )
    with full(service.data):
        status, told = post(service.url, clip)
        findings.hold("a submission meanwhile is refused", told, kept=status in {503, 507})
        time.sleep(arguments.full_s)
    clients.leave()
    clients.judge(findings, expected, may_fail=["/problems/storage-full"])
    later = ServiceClients(service.url, clip)
    later.come(2)
    later.leave()
    served = sum(each.frames == expected for each in later.each)
    findings.hold("jobs right once there is room again", f"{served} of 2", served == 2)
    alive = service.processes() == there
    findings.hold("processes are those of the start", alive, alive)


def post(url: str, clip: Path) -> tuple[int, str]:
    """Post a clip; return the status, and what it tells."""
    with clip.open("rb") as file:
        answer = httpx.post(
            f"{url}/segment",
            files={"file": file},
            headers={"Prefer": "respond-async", "Cache-Control": "no-cache"},
            timeout=60,
        )
    told = answer.json().get("type", "accepted")
    return answer.status_code, f"{answer.status_code} {told}"


@contextmanager
def volume(folder: Path) -> Iterator[None]:
    """Mount a small volume at a folder."""
    folder.mkdir()
    options = f"size={VOLUME_MIB}m"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Fill a volume to the last block, also with what others give back; make room in the end."""
    ballast = folder / "ballast"
    stop = threading.Event()
    with ballast.open("wb", buffering=0) as file:

        def fill() -> None:
            while not stop.is_set():
                with suppress(OSError):
                    while not stop.is_set():
                        file.write(BLOCK)
                time.sleep(0.01)

        thread = threading.Thread(target=fill)
        thread.start()
        time.sleep(1)
        try:
            yield
        finally:
            stop.set()
            thread.join()
            ballast.unlink()


if __name__ == "__main__":
    sys.exit(main())
