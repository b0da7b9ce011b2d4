"""Workers on a machine with far too much to do: `python -m tests.faults.overload DATABASE`."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from jobs.database import embedded_url
from jobs.values import JobState
from tests.faults.findings import Findings
from tests.faults.scenario import trial_options
from tests.faults.segment_log import SegmentLog
from tests.faults.traces import Traces
from tests.faults.waiting_workers import SEGMENT_FRAMES, WaitingWorkers, wait_until, write_clip
from tests.faults.whole_service import open_database_of

SEGMENTS = 6
SPIN = "while True: sum(range(10**6))"


def main() -> int:
    """Run jobs beside processes that take every core; count the live workers taken for dead."""
    parser = trial_options("crowd", __doc__, jobs=5, segment_s=2.0)
    parser.add_argument("--others", type=int, default=12, help="busy processes; default: 12")
    arguments = parser.parse_args()
    findings = Findings(
        f"{arguments.workers} workers beside {arguments.others} busy processes on "
        f"{len(os.sched_getaffinity(0))} cores, {arguments.jobs} jobs on {arguments.database}"
    )
    with Traces() as traces:
        with open_database_of(arguments.database) as database_url:
            data = traces.folder / "data"
            url = database_url or embedded_url(data)
            clip = traces.folder / "clip.mp4"
            write_clip(clip, SEGMENTS * SEGMENT_FRAMES)
            with WaitingWorkers(data, url, arguments.segment_s) as workers:
                for _ in range(arguments.workers):
                    workers.start_worker()
                workers.wait_for_workers(arguments.workers)
                with crowd(arguments.others):
                    started = time.monotonic()
                    jobs = [workers.submit(clip) for _ in range(arguments.jobs)]
                    ended = [workers.wait_for(job) for job in jobs]
                    findings.note("time for all jobs", f"{time.monotonic() - started:.0f} s")
                    findings.note("load of the machine", f"{os.getloadavg()[0]:.0f}")
                good = sum(job.state is JobState.SUCCEEDED for job in ended)
                findings.hold("jobs that succeeded", f"{good} of {len(jobs)}", good == len(jobs))
                segment_log = SegmentLog(workers.log)
                again = len(segment_log.taken_up()) - SEGMENTS * len(jobs)
                findings.hold("segments done again", again, again == 0)
                wrong = segment_log.given_up_on()
                findings.hold("live workers taken for dead", wrong, wrong == 0)
                wait_until(
                    lambda: all(worker.poll() is None for worker in workers.workers), "workers"
                )
        traces.check(findings)
    return findings.finish()


@contextmanager
def crowd(count: int) -> Iterator[None]:
    """Keep so many processes busy."""
    processes = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


if __name__ == "__main__":
    sys.exit(main())
