"""The service's supervisor over its API and workers that wait: arguments WORKERS SEGMENT_S."""

import os
import sys

import anyio

from service.supervisor import FLAG, PARTS, supervise
from service.telemetry import configure_log
from tests.faults.waiting_worker import clips_of_segment

SEGMENT_FRAMES = 120  # as the API cuts jobs


def main() -> int:
    """Run until a signal, as `python -m service` does."""
    workers, segment_s = int(sys.argv[1]), float(sys.argv[2])
    configure_log("supervisor")
    commands = {"api": PARTS["api"]}
    wait_s = segment_s / clips_of_segment(SEGMENT_FRAMES)
    for number in range(workers):
        commands[f"worker-{number + 1}"] = (
            *(sys.executable, "-m", "tests.faults.waiting_worker"),
            *(os.environ["ROTOGRAPH_DATA_DIR"], os.environ["ROTOGRAPH_DATABASE_URL"]),
            *(str(wait_s), FLAG),
        )
    return anyio.run(supervise, commands)


if __name__ == "__main__":
    sys.exit(main())
