"""Workers frozen and woken over many jobs: `python -m tests.faults.freezes DATABASE`."""

import argparse
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.crew import wait_until
from tests.faults.customers import Customers
from tests.faults.diary import Diary
from tests.faults.trial import trial, trial_options
from tests.faults.verdict import Verdict
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
    verdict = Verdict(
        f"{arguments.freezes} freezes of {arguments.workers} workers, up to "
        f"{arguments.longest_s:g} s each, over {arguments.jobs} jobs of {SEGMENTS} segments on "
        f"{arguments.database}, seed {arguments.seed}"
    )
    with trial(arguments, SEGMENTS, verdict) as (service, clip):
        run(service, Customers(service.url, clip), arguments, verdict)
    return verdict.finish()


def run(
    service: WholeService, customers: Customers, arguments: argparse.Namespace, verdict: Verdict
) -> None:
    """Let clients come, freeze workers in turn, and see what becomes of their jobs."""
    chance = random.Random(arguments.seed)
    diary = Diary(service.log)
    expected = customers.undisturbed()
    before = len(diary.taken_up())
    there = service.processes()
    customers.come(arguments.jobs)
    wait_until(lambda: len(diary.taken_up()) > before, "the first segment", WITHIN_S)
    long = 0
    for _ in range(arguments.freezes):
        workers = sorted(pid for pid, part in service.serving().items() if part == "worker")
        frozen_s = chance.uniform(1, arguments.longest_s)
        given_up_on = diary.given_up_on()
        with frozen(chance.choice(workers)):
            time.sleep(frozen_s)
        long += diary.given_up_on() > given_up_on
        time.sleep(chance.uniform(0, arguments.segment_s))
    verdict.note("freezes in which another worker took over", long)
    busy = customers.waiting()
    verdict.hold("jobs that ran to the last freeze", busy, busy > 0)
    customers.leave()
    customers.judge(verdict, expected)
    again = len(diary.taken_up()) - before - SEGMENTS * arguments.jobs
    verdict.hold("segments done again, at most one a freeze", again, again <= arguments.freezes)
    alive = service.processes() == there
    verdict.hold("processes are those of the start", alive, alive)
    woken_at = time.time()
    customers.come(arguments.workers)
    customers.leave()
    at_work = {each.pid for each in diary.taken_up() if each.at > woken_at}
    idle = [pid for pid, part in there.items() if part == "worker" and pid not in at_work]
    verdict.hold("workers that take up nothing afterwards", len(idle), not idle)


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
