"""Workers frozen and woken over many jobs: `python -m tests.faults.freezes DATABASE`."""

import argparse
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.clients import ServiceClients
from tests.faults.findings import Findings
from tests.faults.scenario import trial, trial_options
from tests.faults.segment_log import SegmentLog
from tests.faults.waiting_workers import wait_until
from tests.faults.whole_service import WholeService

SEGMENTS = 6
WITHIN_S = 120.0


def main() -> int:
    """Freeze workers while jobs run; hold the results against undisturbed ones."""
    parser = trial_options("freezes", __doc__, jobs=20)
    parser.add_argument("--freezes", type=int, default=10, help="default: 10")
    parser.add_argument("--longest-s", type=float, default=20.0, help="of a freeze; default: 20")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    arguments = parser.parse_args()
    findings = Findings(
        f"{arguments.freezes} freezes of {arguments.workers} workers, up to "
        f"{arguments.longest_s:g} s each, over {arguments.jobs} jobs of {SEGMENTS} segments on "
        f"{arguments.database}, seed {arguments.seed}"
    )
    with trial(arguments, SEGMENTS, findings) as (service, clip):
        run(service, ServiceClients(service.url, clip), arguments, findings)
    return findings.finish()


def run(
    service: WholeService,
    clients: ServiceClients,
    arguments: argparse.Namespace,
    findings: Findings,
) -> None:
    """Let clients come, freeze workers in turn, and see what becomes of their jobs."""
    chance = random.Random(arguments.seed)
    segment_log = SegmentLog(service.log)
    expected = clients.undisturbed()
    before = len(segment_log.taken_up())
    there = service.processes()
    clients.come(arguments.jobs)
    wait_until(lambda: len(segment_log.taken_up()) > before, "the first segment", WITHIN_S)
    long = 0
    for _ in range(arguments.freezes):
        workers = sorted(pid for pid, part in service.serving().items() if part == "worker")
        frozen_s = chance.uniform(1, arguments.longest_s)
        given_up_on = segment_log.given_up_on()
        with frozen(chance.choice(workers)):
            time.sleep(frozen_s)
        long += segment_log.given_up_on() > given_up_on
        time.sleep(chance.uniform(0, arguments.segment_s))
    findings.note("freezes in which another worker took over", long)
    busy = clients.waiting()
    findings.hold("jobs that ran to the last freeze", busy, busy > 0)
    clients.leave()
    clients.judge(findings, expected)
    again = len(segment_log.taken_up()) - before - SEGMENTS * arguments.jobs
    findings.hold("segments done again, at most one a freeze", again, again <= arguments.freezes)
    alive = service.processes() == there
    findings.hold("processes are those of the start", alive, alive)
    woken_at = time.time()
    clients.come(arguments.workers)
    clients.leave()
    at_work = {each.pid for each in segment_log.taken_up() if each.at > woken_at}
    idle = [pid for pid, part in there.items() if part == "worker" and pid not in at_work]
    findings.hold("workers that take up nothing afterwards", len(idle), not idle)


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Stop a process, and let it go on."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


if __name__ == "__main__":
    sys.exit(main())
