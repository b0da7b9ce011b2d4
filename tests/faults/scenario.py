"""What trials of the whole service share: their options, the service and what it may not leave."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.findings import Findings
from tests.faults.supervised_workers import SEGMENT_FRAMES
from tests.faults.traces import Traces
from tests.faults.waiting_workers import write_clip
from tests.faults.whole_service import WholeService, open_database_of


def trial_options(
    name: str, about: str | None, *, jobs: int, workers: int = 3, segment_s: float = 3.0
) -> argparse.ArgumentParser:
    """Make a parser of what every trial can be told; the numbers are its defaults."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.faults.{name}", description=about)
    parser.add_argument("database", choices=["sqlite", "postgresql"])
    parser.add_argument("--workers", type=int, default=workers, help=f"default: {workers}")
    parser.add_argument("--jobs", type=int, default=jobs, help=f"default: {jobs}")
    parser.add_argument(
        "--segment-s", type=float, default=segment_s, help=f"of waiting; default: {segment_s:g}"
    )
    return parser


@contextmanager
def trial(
    arguments: argparse.Namespace, segments: int, findings: Findings
) -> Iterator[tuple[WholeService, Path]]:
    """Run the service beside a clip of so many segments; then the findings get what is left."""
    with Traces() as traces:
        clip = traces.folder / "clip.mp4"
        write_clip(clip, segments * SEGMENT_FRAMES)
        with (
            open_database_of(arguments.database) as database_url,
            WholeService(
                traces.folder,
                database_url,
                workers=arguments.workers,
                segment_s=arguments.segment_s,
            ) as service,
        ):
            yield service, clip
        traces.check(findings)
