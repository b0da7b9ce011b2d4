"""How much faster many workers are than one, on one job: `python -m tests.faults.fan_out`."""

import argparse
import tempfile
import time
from pathlib import Path

from tests.faults.waiting_workers import SEGMENT_FRAMES, WaitingWorkers, write_clip
from tests.postgres import PostgresServer


def main() -> None:
    """Time a job of many segments on PostgreSQL with one worker, then with many."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.fan_out", description=__doc__)
    parser.add_argument("--segments", type=int, default=64, help="default: 64")
    parser.add_argument("--workers", type=int, default=8, help="default: 8")
    parser.add_argument("--segment-s", type=float, default=0.5, help="default: 0.5")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, PostgresServer() as postgres:
        clip = Path(folder) / "clip.mp4"
        write_clip(clip, arguments.segments * SEGMENT_FRAMES)
        times, results = [], []
        for count in (1, arguments.workers):
            data = Path(folder) / f"of-{count}"
            with WaitingWorkers(data, postgres.new_database(), arguments.segment_s) as workers:
                for _ in range(count):
                    workers.start_worker()
                workers.wait_for_workers(count)
                started = time.monotonic()
                job = workers.wait_for(workers.submit(clip))
                times.append(time.monotonic() - started)
                results.append(list(workers.queue.frames(job.id)))
            print(f"{count} workers: {times[-1]:.1f} s", flush=True)
    print(f"{times[0] / times[1]:.2f} times as fast, results equal: {results[0] == results[1]}")


if __name__ == "__main__":
    main()
