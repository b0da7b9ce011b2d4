"""Workers on a machine with far too much to do: `python -m tests.faults.crowd DATABASE`."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from jobs.database import embedded_url
from jobs.values import JobState
from tests.faults.crew import SEGMENT_FRAMES, Crew, wait_until, write_clip
from tests.faults.diary import Diary
from tests.faults.traces import Traces
from tests.faults.trial import trial_options
from tests.faults.verdict import Verdict
from tests.faults.whole_service import open_database_of

SEGMENTS = 6
SPIN = "while True: sum(range(10**6))"


def main() -> int:
    """Run jobs beside processes that take every core; count the live workers taken for dead."""
    parser = trial_options("crowd", __doc__, jobs=5, segment_s=2.0)
    parser.add_argument("--others", type=int, default=12, help="busy processes; default: 12")
    arguments = parser.parse_args()
    verdict = Verdict(
        f"{arguments.workers} workers beside {arguments.others} busy processes on "
        f"{len(os.sched_getaffinity(0))} cores, {arguments.jobs} jobs on {arguments.database}"
    )
    with Traces() as traces:
        with open_database_of(arguments.database) as database_url:
            data = traces.folder / "data"
            url = database_url or embedded_url(data)
            clip = traces.folder / "clip.mp4"
            write_clip(clip, SEGMENTS * SEGMENT_FRAMES)
            with Crew(data, url, arguments.segment_s) as crew:
                for _ in range(arguments.workers):
                    crew.start_worker()
                crew.wait_for_workers(arguments.workers)
                with crowd(arguments.others):
                    started = time.monotonic()
                    jobs = [crew.submit(clip) for _ in range(arguments.jobs)]
                    ended = [crew.wait_for(job) for job in jobs]
                    verdict.note("time for all jobs", f"{time.monotonic() - started:.0f} s")
                    verdict.note("load of the machine", f"{os.getloadavg()[0]:.0f}")
                good = sum(job.state is JobState.SUCCEEDED for job in ended)
                verdict.hold("jobs that succeeded", f"{good} of {len(jobs)}", good == len(jobs))
                diary = Diary(crew.log)
                again = len(diary.taken_up()) - SEGMENTS * len(jobs)
                verdict.hold("segments done again", again, again == 0)
                wrong = diary.given_up_on()
                verdict.hold("live workers taken for dead", wrong, wrong == 0)
                wait_until(lambda: all(worker.poll() is None for worker in crew.workers), "workers")
        traces.check(verdict)
    return verdict.finish()


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
