"""One client's job behind many of another's: `python -m tests.faults.fairness DATABASE`."""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from rotograph import Client
from tests.faults.clients import PERSISTENT
from tests.faults.findings import Findings
from tests.faults.scenario import trial, trial_options
from tests.faults.whole_service import WholeService

MOST_BEFORE = 2
WITHIN_S = 600.0


def main() -> int:
    """Post many jobs with one key, then one with another; count what goes before that one."""
    parser = trial_options("fairness", __doc__, jobs=200, workers=1, segment_s=4.0)
    arguments = parser.parse_args()
    findings = Findings(
        f"One job of bob behind {arguments.jobs} of ada on {arguments.database}, "
        f"{arguments.workers} workers, {arguments.segment_s:g} s a job"
    )
    with trial(arguments, 1, findings) as (service, clip):
        run(service, clip, arguments, findings)
    return findings.finish()


def run(
    service: WholeService, clip: Path, arguments: argparse.Namespace, findings: Findings
) -> None:
    """Post the jobs of both, wait for the one, and look what was done meanwhile."""
    keys = [service.new_key(name)["Authorization"].split()[1] for name in ("ada", "bob")]
    with (
        Client(service.url, keys[0], retry_policy=PERSISTENT) as ada,
        Client(service.url, keys[1], retry_policy=PERSISTENT) as bob,
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
    findings.note("ada's jobs that wait and run", f"{waiting} of {len(jobs)}")
    findings.note(
        "from bob's post to his result",
        f"{(done.finished_at - done.created_at).total_seconds():.1f} s",
    )
    kept = len(before) <= MOST_BEFORE and waiting > 0
    findings.hold("ada's jobs done meanwhile, at most two", len(before), kept)


if __name__ == "__main__":
    sys.exit(main())
