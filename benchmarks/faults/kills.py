"""Workers killed at random over many jobs: `python -m benchmarks.faults.kills DATABASE`."""

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.faults.crew import SEGMENT_FRAMES, Crew, wait_until, write_clip
from benchmarks.postgres import PostgresServer
from jobs.database import embedded_url
from jobs.values import Job, JobState

SEGMENTS = 6


def main() -> None:
    """Kill workers while jobs run; hold the results against undisturbed ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database", choices=["sqlite", "postgresql"])
    parser.add_argument("--workers", type=int, default=3, help="default: 3")
    parser.add_argument("--jobs", type=int, default=20, help="default: 20")
    parser.add_argument("--kills", type=int, default=50, help="default: 50")
    parser.add_argument("--segment-s", type=float, default=1.0, help="default: 1")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.database == "sqlite":
            run(Path(folder), embedded_url(Path(folder) / "data"), arguments)
        else:
            with PostgresServer() as server:
                run(Path(folder), server.new_database(), arguments)


def run(folder: Path, database_url: str, arguments: argparse.Namespace) -> None:
    """Run the jobs, kill, and print what came of it."""
    chance = random.Random(arguments.seed)
    clip = folder / "clip.mp4"
    write_clip(clip, SEGMENTS * SEGMENT_FRAMES)
    with Crew(folder / "data", database_url, arguments.segment_s) as crew:
        for _ in range(arguments.workers):
            crew.start_worker()
        crew.wait_for_workers(arguments.workers)
        expected = list(crew.queue.frames(crew.wait_for(crew.submit(clip)).id))
        jobs = [crew.submit(clip) for _ in range(arguments.jobs)]
        kills = 0
        while kills < arguments.kills and unfinished(crew, jobs):
            time.sleep(chance.uniform(0, 2 * arguments.segment_s))
            worker = chance.choice(crew.workers)
            worker.kill()
            worker.wait()
            crew.workers.remove(worker)
            crew.start_worker()
            kills += 1
        wait_until(lambda: not unfinished(crew, jobs), "the end of the jobs")
        equal = [
            crew.queue.get(job.id).state is JobState.SUCCEEDED
            and list(crew.queue.frames(job.id)) == expected
            for job in jobs
        ]
        again = crew.log.read_text().count("Took up a segment.") - SEGMENTS * (len(jobs) + 1)
    print(f"{arguments.database}: {kills} kills of {arguments.workers} workers")
    print(f"results as undisturbed: {sum(equal)} of {len(jobs)}")
    print(f"segments started again: {again}, at most one a kill: {again <= kills}")


def unfinished(crew: Crew, jobs: Sequence[Job]) -> bool:
    """Say whether any of the jobs isn't final."""
    return not all(crew.queue.get(job.id).state.final for job in jobs)


if __name__ == "__main__":
    main()
