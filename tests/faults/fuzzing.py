"""Thousands of damaged videos, seen and served: `python -m tests.faults.fuzzing`."""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

import httpx
from tqdm import tqdm

from pipeline.errors import DecoderFailed, VideoError
from pipeline.media.sandbox import Sandbox
from pipeline.values import VideoLimits
from tests.faults.corruption import damage, make_clips, sample_clips, shorten
from tests.faults.findings import Findings
from tests.faults.traces import Traces
from tests.faults.waiting_workers import wait_until
from tests.faults.whole_service import WholeService

LIMITS = VideoLimits(max_pixels=1920 * 1080, max_frames=300, max_duration_s=60)
SCAN_S = 60.0
JOB_S = 600.0
SPARSELY = {"every": "8", "actions": "false"}  # it is the decoding that is tried here
OF_OUR_OWN = ("The log tells how", "makes no sense")  # what no damage may lead to


@dataclass
class Run:
    """What became of damaged files in the sandbox and the service; each follows from its number."""

    seeds: Sequence[bytes]
    seed: int
    folder: Path
    until: float
    in_sandbox: Counter[str] = field(default_factory=Counter)
    in_service: Counter[str] = field(default_factory=Counter)

    def damaged(self, number: int) -> bytes:
        """Make the file of a number."""
        chance = random.Random(f"{self.seed} {number}")
        return damage(chance.choice(self.seeds), chance, chance.choice(self.seeds))

    def look(self, sandbox: Sandbox, number: int) -> None:
        """List and decode a damaged file, unless time is up."""
        if time.monotonic() > self.until:
            return
        path = self.folder / f"damaged-{number}"
        path.write_bytes(self.damaged(number))
        self.in_sandbox[outcome(sandbox, path)] += 1
        path.unlink()

    def post(self, service: WholeService, number: int) -> None:
        """Have the service segment a damaged file, and delete the job, unless time is up."""
        if time.monotonic() > self.until:
            return
        files = {"file": ("damaged.mp4", self.damaged(number))}
        headers = {"Prefer": "respond-async"}
        with httpx.Client(base_url=service.url, timeout=SCAN_S) as client:
            answer = client.post("/segment", files=files, data=SPARSELY, headers=headers)
            if answer.status_code == 202:
                job = answer.headers["Location"]
                try:
                    wait_until(lambda: final(client, job), f"the end of {job}", JOB_S)
                except TimeoutError:
                    self.in_service["without an end in time"] += 1
                    client.delete(job).raise_for_status()
                    return
                answer = client.get(f"{job}/result")
                client.delete(job).raise_for_status()
        slug = "" if answer.is_success else f" {answer.json()['type']}"
        self.in_service[f"{answer.status_code}{slug}"] += 1


def final(client: httpx.Client, job: str) -> bool:
    """Tell whether a job has come to its end."""
    return client.get(job).raise_for_status().json()["finished_at"] is not None


def outcome(sandbox: Sandbox, path: Path) -> str:
    """List and decode a file in the sandbox; say what came of it in a few words."""
    try:
        video = sandbox.scan(path, LIMITS, SCAN_S)
        for _ in sandbox.decode(path, video, range(video.info.frame_count)):
            pass
    except DecoderFailed as failure:
        return f"DecoderFailed: {failure}"
    except VideoError as refusal:
        return type(refusal).__name__
    except Exception as error:  # of our own, to be told with the others
        return f"not expected: {error!r}"
    return "decoded"


def main() -> int:
    """Damage videos, look at each, and print what came of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.fuzzing", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="of files; default: 10,000")
    parser.add_argument("--first", type=int, default=0, help="its number; default: 0")
    parser.add_argument("--seed", type=int, default=0, help="of the damage; default: 0")
    parser.add_argument("--videos", type=Path, help="folder of more files to damage")
    parser.add_argument("--at-once", type=int, default=2, help="default: 2")
    parser.add_argument("--post-each", type=int, default=100, help="default: each 100th")
    parser.add_argument(
        "--seconds", type=float, default=inf, help="begin none after; default: no end"
    )
    arguments = parser.parse_args()
    findings = Findings(
        f"at most {arguments.count} damaged videos from number {arguments.first}, "
        f"seed {arguments.seed}"
    )
    with Traces() as traces:
        more = sorted(arguments.videos.iterdir()) if arguments.videos else []
        short = [shorten(path, traces.folder) for path in [*sample_clips(), *more]]
        clips = make_clips(traces.folder)
        seeds = [path.read_bytes() for path in [*clips, *short]]
        until = time.monotonic() + arguments.seconds
        run = Run(seeds, arguments.seed, traces.folder, until)
        sandbox = Sandbox()
        whole = Counter(outcome(sandbox, path) for path in [*clips, *sample_clips(), *more])
        findings.note("undamaged", told(whole))
        damage_all(run, sandbox, arguments, findings)
        sandbox.close()
        report(run, findings)
        traces.check(findings)
    return findings.finish()


def damage_all(
    run: Run, sandbox: Sandbox, arguments: argparse.Namespace, findings: Findings
) -> None:
    """Put all files through the sandbox, and each so many-th through a service."""
    numbers = range(arguments.first, arguments.first + arguments.count)
    settings = {"ROTOGRAPH_THREADS": "1", "ROTOGRAPH_MAX_FRAMES": str(LIMITS.max_frames)}
    with WholeService(run.folder, settings=settings, real=True) as service:
        before = service.processes()
        with ThreadPoolExecutor(arguments.at_once) as looks, ThreadPoolExecutor(1) as posts:
            posted = posts.map(
                lambda number: run.post(service, number), numbers[:: arguments.post_each]
            )
            looked = looks.map(lambda number: run.look(sandbox, number), numbers)
            for _ in tqdm(looked, "damaged videos", len(numbers), unit="file", mininterval=10):
                pass
            list(posted)
        held = service.processes() == before
        findings.hold("API and worker are those of the start", held, kept=held)
        kept = [
            str(path.relative_to(service.data))
            for part in ("jobs", "uploads")
            for path in (service.data / part).iterdir()
        ]
        findings.hold("files of jobs left", kept or 0, kept=not kept)
    errors = service.log.read_text().count("Traceback")
    findings.hold("errors in the service's log", errors, kept=not errors)


def report(run: Run, findings: Findings) -> None:
    """Tell the outcomes, and hold that none of them is a fault of ours."""
    findings.note("looked at in the sandbox", run.in_sandbox.total())
    for name, count in run.in_sandbox.most_common():
        findings.note(f"sandbox: {name}", count)
    findings.note("posted to the service", run.in_service.total())
    for name, count in run.in_service.most_common():
        findings.note(f"service: {name}", count)
    ours = sum(
        count
        for name, count in run.in_sandbox.items()
        if name.startswith("not expected") or any(words in name for words in OF_OUR_OWN)
    )
    findings.hold("errors that decoding doesn't expect", ours, kept=not ours)
    failed = sum(count for name, count in run.in_service.items() if name >= "5")
    findings.hold("answers of 500 and above, or none", failed, kept=not failed)


def told(outcomes: Counter[str]) -> str:
    """Return counts in a line."""
    return ", ".join(f"{count} {name}" for name, count in outcomes.most_common())


if __name__ == "__main__":
    sys.exit(main())
