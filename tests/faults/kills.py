"""API and workers killed at random over many jobs: `python -m tests.faults.kills DATABASE`."""

import argparse
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence

from tests.faults.clients import ServiceClients
from tests.faults.findings import Findings
from tests.faults.scenario import trial, trial_options
from tests.faults.segment_log import SegmentLog, seconds_until_taken_up_again
from tests.faults.waiting_workers import wait_until
from tests.faults.whole_service import WholeService

SEGMENTS = 10
WANTED_TAKEOVER_S = 10.0
VICTIM_WITHIN_S = 180.0


def main() -> int:
    """Kill processes while jobs run; hold the results against undisturbed ones."""
    parser = trial_options("kills", __doc__, jobs=20)
    parser.add_argument("--kills", type=int, default=50, help="default: 50")
    parser.add_argument(
        "--each-s", type=float, default=3.0, help="from kill to kill, at least; default: 3"
    )
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    arguments = parser.parse_args()
    findings = Findings(
        f"{arguments.kills} kills of the API and of {arguments.workers} workers over "
        f"{arguments.jobs} jobs of {SEGMENTS} segments on {arguments.database}, "
        f"seed {arguments.seed}"
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
    """Let clients come, kill meanwhile, and see what becomes of their jobs."""
    chance = random.Random(arguments.seed)
    segment_log = SegmentLog(service.log)
    expected = clients.undisturbed()
    before = len(segment_log.taken_up())
    started = time.monotonic()
    clients.come(arguments.jobs, arguments.kills * arguments.each_s / 2, arguments.seed)
    killed: list[tuple[int, str, float]] = []
    while len(killed) < arguments.kills and clients.waiting():
        time.sleep(chance.uniform(0, 2 * arguments.each_s))
        killed.append(kill(service, arguments.workers - 1, chance))
    busy = clients.waiting()
    clients.leave()
    findings.note("time for all jobs", f"{time.monotonic() - started:.0f} s")
    parts = Counter(part for _, part, _ in killed)
    enough = len(killed) == arguments.kills and busy > 0
    findings.hold("killed while jobs ran", f"{parts['worker']} workers, {parts['api']} API", enough)
    clients.judge(findings, expected)
    taken_up = segment_log.taken_up()[before:]
    again = len(taken_up) - SEGMENTS * len(clients.each)
    findings.hold(
        "segments done again, at most one a killed worker", again, again <= parts["worker"]
    )
    workers = [(pid, at) for pid, part, at in killed if part == "worker"]
    over = [segment_log.seconds_until_taken_over(pid, at) for pid, at in workers]
    up = [seconds_until_taken_up_again(taken_up, pid, at) for pid, at in workers]
    median, longest = middle_and_last(over)
    findings.note("from a kill until others took over, median", f"{median:.1f} s")
    findings.hold("longest, under 10 s", f"{longest:.1f} s", longest < WANTED_TAKEOVER_S)
    median, longest = middle_and_last(up)
    findings.note("until a worker was free for the segment, median", f"{median:.1f} s")
    findings.note("longest", f"{longest:.1f} s")


def kill(service: WholeService, workers: int, chance: random.Random) -> tuple[int, str, float]:
    """Kill one of the processes that serve, once so many workers do; return id, kind and time.

    Else most kills would meet workers that have just begun, and the same segment time and again,
    until it is given up.
    """
    victims: dict[int, str] = {}

    def found() -> bool:
        victims.clear()
        victims.update(service.serving())
        return list(victims.values()).count("worker") >= workers

    wait_until(found, "processes to kill", VICTIM_WITHIN_S)
    pid, part = chance.choice(sorted(victims.items()))
    os.kill(pid, signal.SIGKILL)
    return pid, part, time.time()


def middle_and_last(times: Sequence[float | None]) -> tuple[float, float]:
    """Return the median and the largest of those that there are."""
    there = sorted(each for each in times if each is not None) or [0.0]
    return there[len(there) // 2], there[-1]


if __name__ == "__main__":
    sys.exit(main())
