"""One client's job behind many of another's: `python -m benchmarks.faults.fairness DATABASE`."""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from benchmarks.faults.crew import write_clip
from benchmarks.faults.customers import PATIENT
from benchmarks.faults.supervised_crew import SEGMENT_FRAMES
from benchmarks.faults.traces import Traces
from benchmarks.faults.verdict import Verdict
from benchmarks.faults.whole_service import WholeService, open_database_of
from client import Client

MOST_BEFORE = 2
WITHIN_S = 600.0


def main() -> int:
    """Post many jobs with one key, then one with another; count what goes before that one."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.faults.fairness", description=__doc__
    )
    parser.add_argument("database", choices=["sqlite", "postgresql"])
    parser.add_argument("--workers", type=int, default=1, help="default: 1")
    parser.add_argument("--jobs", type=int, default=200, help="of the first; default: 200")
    parser.add_argument("--segment-s", type=float, default=4.0, help="a job; default: 4")
    arguments = parser.parse_args()
    verdict = Verdict(
        f"One job of bob behind {arguments.jobs} of ada on {arguments.database}, "
        f"{arguments.workers} workers, {arguments.segment_s:g} s a job"
    )
    with Traces() as traces:
        clip = traces.folder / "clip.mp4"
        write_clip(clip, SEGMENT_FRAMES)
        with (
            open_database_of(arguments.database) as database_url,
            WholeService(
                traces.folder,
                database_url,
                workers=arguments.workers,
                segment_s=arguments.segment_s,
            ) as service,
        ):
            run(service, clip, arguments, verdict)
        traces.check(verdict)
    return verdict.finish()


def run(service: WholeService, clip: Path, arguments: argparse.Namespace, verdict: Verdict) -> None:
    """Post the jobs of both, wait for the one, and look what was done meanwhile."""
    keys = [service.new_key(name)["Authorization"].split()[1] for name in ("ada", "bob")]
    with (
        Client(service.url, keys[0], retries=PATIENT) as ada,
        Client(service.url, keys[1], retries=PATIENT) as bob,
    ):
        with ThreadPoolExecutor(4) as posts:
            posted = posts.map(lambda _: ada.submit(clip, fresh=True), range(arguments.jobs))
            for _ in tqdm(posted, "jobs of ada", arguments.jobs, unit="job"):
                pass
        job = bob.submit(clip, fresh=True)
        done = bob.wait(job, timeout_s=WITHIN_S)
        jobs = list(ada.jobs())
    assert done.finished_at is not None
    before = [
        each
        for each in jobs
        if each.finished_at is not None and done.created_at < each.finished_at < done.finished_at
    ]
    waiting = sum(each.finished_at is None for each in jobs)
    verdict.note("ada's jobs that wait and run", f"{waiting} of {len(jobs)}")
    verdict.note(
        "from bob's post to his result",
        f"{(done.finished_at - done.created_at).total_seconds():.1f} s",
    )
    kept = len(before) <= MOST_BEFORE and waiting > 0
    verdict.hold("ada's jobs done meanwhile, at most two", len(before), kept)


if __name__ == "__main__":
    sys.exit(main())
