"""Clients that each post a video and wait for its result, whatever befalls the service."""

import random
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rotograph import Client, Frame, JobFailedError, RetryPolicy, RotographError
from tests.faults.findings import Findings

# A service that is away is tried again for some minutes.
PERSISTENT = RetryPolicy(attempts=200, first_s=0.2, longest_s=5.0)
READ_TIMEOUT_S = 30.0


@dataclass
class ServiceClient:
    """One of them; `failed` is the kind of its job's problem, `trouble` what else went wrong."""

    job: str | None = None
    frames: Sequence[Frame] | None = None
    failed: str | None = None
    trouble: str | None = None

    @property
    def served(self) -> bool:
        """Whether its job has come to an end that it knows of."""
        return self.frames is not None or self.failed is not None


@dataclass
class ServiceClients:
    """Clients at once, each a thread; they retry what fails, with an `Idempotency-Key`."""

    url: str
    clip: Path
    within_s: float = 900.0
    each: list[ServiceClient] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    def undisturbed(self) -> Sequence[Frame]:
        """Post once while all is well; return the result, whose job is deleted."""
        with Client(self.url, retry_policy=PERSISTENT, read_timeout_s=READ_TIMEOUT_S) as client:
            job = client.submit(self.clip, fresh=True)
            client.wait(job, timeout_s=self.within_s)
            frames = list(client.frames(job))
            client.delete(job)
        return frames

    def come(self, count: int, spread_s: float = 0.0, seed: int = 0) -> None:
        """Let so many more post, at random times within the next `spread_s`."""
        chance = random.Random(seed)
        for wait_s in sorted(chance.uniform(0, spread_s) for _ in range(count)):
            self.each.append(ServiceClient())
            thread = threading.Thread(target=self._post, args=[self.each[-1], wait_s], daemon=True)
            self._threads.append(thread)
            thread.start()

    def waiting(self) -> int:
        """Return how many are still at it."""
        return sum(thread.is_alive() for thread in self._threads)

    def leave(self) -> None:
        """Wait until all are gone: served, or out of attempts."""
        deadline = time.monotonic() + self.within_s + 2 * READ_TIMEOUT_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _post(self, one: ServiceClient, wait_s: float) -> None:
        time.sleep(wait_s)
        try:
            with Client(self.url, retry_policy=PERSISTENT, read_timeout_s=READ_TIMEOUT_S) as client:
                one.job = client.submit(self.clip, fresh=True).id
                client.wait(one.job, timeout_s=self.within_s)
                one.frames = list(client.frames(one.job))
        except JobFailedError as error:
            one.failed = error.type
        except RotographError as error:
            one.trouble = f"{type(error).__name__}: {error}"

    def judge(
        self, findings: Findings, expected: Sequence[Frame], may_fail: Sequence[str] = ()
    ) -> None:
        """Hold what became of them against the undisturbed result; some problems are allowed."""
        count = len(self.each)
        right = sum(each.frames == expected for each in self.each)
        wrong = sum(each.frames is not None for each in self.each) - right
        failed = Counter(each.failed for each in self.each if each.failed is not None)
        trouble = [each.trouble for each in self.each if each.trouble is not None]
        lost = sum(not each.served for each in self.each)
        findings.hold("results that differ from the undisturbed", wrong, kept=not wrong)
        findings.hold("jobs lost or without an end", f"{lost} {trouble[:1] or ''}", kept=not lost)
        if may_fail:
            findings.note("results as undisturbed", f"{right} of {count}")
            allowed = set(failed) <= set(may_fail)
            findings.hold("jobs that failed, with the reason", listed(failed), kept=allowed)
        else:
            of_failed = f", failed: {listed(failed)}" if failed else ""
            all_right = right == count
            findings.hold("results as undisturbed", f"{right} of {count}{of_failed}", all_right)
        findings.hold("jobs made twice", self._doubled(), kept=not self._doubled())

    def _doubled(self) -> int:
        """Count the jobs that the service has and no client knows: posts that became two."""
        with Client(self.url, retry_policy=PERSISTENT, read_timeout_s=READ_TIMEOUT_S) as client:
            there = {job.id for job in client.jobs()}
        return len(there - {each.job for each in self.each})


def listed(counts: Mapping[str, int]) -> str:
    """Return counts in a line."""
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "0"
