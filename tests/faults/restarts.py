"""PostgreSQL stopped and started again during jobs: `python -m tests.faults.restarts`."""

import argparse
import signal
import sys
import time

from tests.faults.clients import ServiceClients
from tests.faults.findings import Findings
from tests.faults.segment_log import SegmentLog
from tests.faults.supervised_workers import SEGMENT_FRAMES
from tests.faults.traces import Traces
from tests.faults.waiting_workers import wait_until, write_clip
from tests.faults.whole_service import WholeService
from tests.postgres import PostgresServer

SEGMENTS = 6
WITHIN_S = 120.0
# In turn: it breaks off what is going on, or ends as in a crash.
HOW = (signal.SIGINT, signal.SIGQUIT)


def main() -> int:
    """Restart the database while jobs run; hold the results against undisturbed ones."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.restarts", description=__doc__)
    parser.add_argument("--workers", type=int, default=3, help="default: 3")
    parser.add_argument("--jobs", type=int, default=8, help="default: 8")
    parser.add_argument("--restarts", type=int, default=4, help="default: 4")
    parser.add_argument("--away-s", type=float, default=8.0, help="each time; default: 8")
    parser.add_argument("--segment-s", type=float, default=3.0, help="default: 3")
    arguments = parser.parse_args()
    findings = Findings(
        f"{arguments.restarts} restarts of PostgreSQL, away for {arguments.away_s:g} s each, "
        f"{arguments.workers} workers, {arguments.jobs} jobs of {SEGMENTS} segments"
    )
    with Traces() as traces:
        clip = traces.folder / "clip.mp4"
        write_clip(clip, SEGMENTS * SEGMENT_FRAMES)
        with (
            PostgresServer() as server,
            WholeService(
                traces.folder,
                server.new_database(),
                workers=arguments.workers,
                segment_s=arguments.segment_s,
            ) as service,
        ):
            run(service, server, ServiceClients(service.url, clip), arguments, findings)
        traces.check(findings)
    return findings.finish()


def run(
    service: WholeService,
    server: PostgresServer,
    clients: ServiceClients,
    arguments: argparse.Namespace,
    findings: Findings,
) -> None:
    """Let clients come, restart the database meanwhile, and see what becomes of their jobs."""
    segment_log = SegmentLog(service.log)
    expected = clients.undisturbed()
    before = len(segment_log.taken_up())
    there = service.processes()
    clients.come(arguments.jobs, arguments.restarts * arguments.away_s)
    for number in range(arguments.restarts):
        wait_for_a_segment(segment_log)
        server.stop(HOW[number % len(HOW)])
        time.sleep(arguments.away_s)
        server.start()
    back_at = time.monotonic()
    busy = clients.waiting()
    findings.hold("jobs that ran to the last restart", busy, busy > 0)
    clients.leave()
    findings.note("last job's end after its return", f"{time.monotonic() - back_at:.1f} s")
    clients.judge(findings, expected)
    again = len(segment_log.taken_up()) - before - SEGMENTS * arguments.jobs
    findings.note("segments taken up again", again)
    findings.note("live workers taken for dead", segment_log.given_up_on())
    alive = service.processes() == there
    findings.hold("processes are those of the start", alive, alive)


def wait_for_a_segment(segment_log: SegmentLog) -> None:
    """Wait until one more is taken up."""
    so_far = len(segment_log.taken_up())
    wait_until(lambda: len(segment_log.taken_up()) > so_far, "a segment to begin", WITHIN_S)


if __name__ == "__main__":
    sys.exit(main())
