"""The object store away for a while during jobs: `python -m tests.faults.store_outage HOW`."""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from jobs.errors import StoreAway
from jobs.values import Job, JobState
from tests.faults.findings import Findings
from tests.faults.waiting_workers import SEGMENT_FRAMES, WaitingWorkers, wait_until, write_clip
from tests.postgres import PostgresServer
from tests.proxy import Proxy
from tests.s3_server import S3Server, environment

SEGMENTS = 6
ENDED_WITHIN_S = 300.0


def main() -> int:
    """Take the store away from workers that share no folder; tell what came of their jobs."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.store_outage", description=main.__doc__
    )
    parser.add_argument("how", choices=["refuses", "hangs"], help="what the store does meanwhile")
    parser.add_argument("--workers", type=int, default=2, help="default: 2")
    parser.add_argument("--jobs", type=int, default=5, help="default: 5")
    parser.add_argument("--away-s", type=float, default=20.0, help="default: 20")
    parser.add_argument("--segment-s", type=float, default=1.0, help="default: 1")
    arguments = parser.parse_args()
    findings = Findings(
        f"An object store that {arguments.how} for {arguments.away_s:g} s, "
        f"{arguments.workers} workers, {arguments.jobs} jobs of {SEGMENTS} segments"
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        PostgresServer() as postgres,
        S3Server() as server,
        Proxy(server.port) as proxy,
    ):
        os.environ.update(environment(proxy.port))
        clip = Path(folder) / "clip.mp4"
        write_clip(clip, SEGMENTS * SEGMENT_FRAMES)
        data, database = Path(folder) / "data", postgres.new_database()
        with WaitingWorkers(data, database, arguments.segment_s, server.new_url()) as workers:
            take, give = {
                "refuses": (proxy.cut_off, proxy.connect),
                "hangs": (server.freeze, server.thaw),
            }[arguments.how]
            run(workers, clip, arguments, findings, take=take, give=give)
    return findings.finish()


def run(
    workers: WaitingWorkers,
    clip: Path,
    arguments: argparse.Namespace,
    findings: Findings,
    *,
    take: Callable[[], None],
    give: Callable[[], None],
) -> None:
    """Run the jobs, take the store away once they are going on, and see what comes of them."""
    for _ in range(arguments.workers):
        workers.start_worker()
    workers.wait_for_workers(arguments.workers)
    expected = list(workers.queue.frames(workers.wait_for(workers.submit(clip)).id))
    jobs = [workers.submit(clip) for _ in range(arguments.jobs)]
    wait_until(lambda: workers.queue.get(jobs[0].id).frames_ready > 0, "the first frames")
    take()
    gone_at = time.monotonic()
    told = refused(workers, clip)
    time.sleep(max(0.0, gone_at + arguments.away_s - time.monotonic()))
    give()
    back_at = time.monotonic()
    findings.note("it was away for", f"{back_at - gone_at:.1f} s")
    with suppress(TimeoutError):
        wait_until(lambda: not unfinished(workers, jobs), "the end of the jobs", ENDED_WITHIN_S)
    findings.note("last job's end after its return", f"{time.monotonic() - back_at:.1f} s")
    findings.hold("a submission meanwhile is refused", told or "accepted", bool(told))
    hung = len(unfinished(workers, jobs))
    findings.hold("no job hangs", f"{hung} of {len(jobs)}", hung == 0)
    failed = failures(workers, jobs)
    findings.hold("no job fails", failed or f"0 of {len(jobs)}", not failed)
    good = right(workers, jobs, expected)
    findings.hold("results as undisturbed", f"{good} of {len(jobs)}", good == len(jobs))
    alive = sum(worker.poll() is None for worker in workers.workers)
    findings.hold("workers live on", f"{alive} of {arguments.workers}", alive == arguments.workers)
    again = workers.log.read_text().count("took up a segment") - SEGMENTS * (len(jobs) + 1)
    findings.note("segments taken up again", again)


def refused(workers: WaitingWorkers, clip: Path) -> str | None:
    """Submit a clip while the store is away; say how that is refused, None if it isn't."""
    begun = time.monotonic()
    try:
        workers.submit(clip)
    except StoreAway:
        return f"StoreAway after {time.monotonic() - begun:.1f} s"
    return None


def right(workers: WaitingWorkers, jobs: Sequence[Job], expected: Sequence[str]) -> int:
    """Count the jobs whose result is the expected one."""
    return sum(
        workers.queue.get(job.id).state is JobState.SUCCEEDED
        and list(workers.queue.frames(job.id)) == expected
        for job in jobs
    )


def failures(workers: WaitingWorkers, jobs: Sequence[Job]) -> dict[str, int]:
    """Count why jobs failed."""
    found = (workers.queue.get(job.id).failure for job in jobs)
    return dict(Counter(failure.kind for failure in found if failure is not None))


def unfinished(workers: WaitingWorkers, jobs: Sequence[Job]) -> Sequence[Job]:
    """Return those of the jobs that aren't final."""
    return [job for job in jobs if not workers.queue.get(job.id).state.final]


if __name__ == "__main__":
    sys.exit(main())
