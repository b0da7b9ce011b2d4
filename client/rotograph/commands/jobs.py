"""`rotograph status`, `result`, `cancel`, `delete` and `list`: jobs that are there already."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from rotograph import Client, Job, RotographError
from rotograph.commands.files import Files
from rotograph.commands.outcome import DONE, WRONG, Outcome, say, show_job
from rotograph.commands.segment import finish
from rotograph.options import JobFilter


@dataclass(frozen=True)
class Status:
    """Jobs to be shown."""

    jobs: tuple[str, ...]
    as_json: bool

    def __call__(self, client: Client) -> int:
        return _each(self.jobs, client.job, as_json=self.as_json)


@dataclass(frozen=True)
class Cancel:
    """Jobs to be canceled and shown; one that is over stays as it is."""

    jobs: tuple[str, ...]
    as_json: bool

    def __call__(self, client: Client) -> int:
        return _each(self.jobs, client.cancel, as_json=self.as_json)


@dataclass(frozen=True)
class Delete:
    """Jobs to be deleted with their videos and results, those that run as well."""

    jobs: tuple[str, ...]
    as_json: bool

    def __call__(self, client: Client) -> int:
        def delete(job_id: str) -> Job:
            job = client.job(job_id)
            client.delete(job)
            return job

        return _each(self.jobs, delete, as_json=self.as_json)


@dataclass(frozen=True)
class ListJobs:
    """Jobs to be listed, newest first."""

    wanted: JobFilter
    limit: int
    as_json: bool

    def __call__(self, client: Client) -> int:
        wanted = self.wanted
        found = client.jobs(
            wanted.states,
            labels=wanted.labels,
            created_after=wanted.created_after,
            created_before=wanted.created_before,
        )
        for job in islice(found, self.limit):
            show_job(job, as_json=self.as_json)
        return DONE


@dataclass(frozen=True)
class Results:
    """Results of jobs to be waited for and kept as files, called after the videos."""

    jobs: tuple[str, ...]
    files: Files
    as_json: bool

    def __call__(self, client: Client) -> int:
        jobs = [client.job(job) for job in self.jobs]
        try:
            self.files.check(job.filename for job in jobs)
        except ValueError as error:
            say(str(error))
            return WRONG
        status = DONE
        for job in jobs:
            outcome = Outcome(job.filename, job)
            try:
                finish(client, job, outcome, self.files, as_json=self.as_json)
            except (RotographError, OSError) as error:
                outcome.error = error
                say(f"{job.filename}: {error}")
            if self.as_json:
                print(json.dumps(outcome.body()), flush=True)
            status = max(status, outcome.status)
        return status


def _each(jobs: tuple[str, ...], ask: Callable[[str], Job], *, as_json: bool) -> int:
    status = DONE
    for job in jobs:
        outcome = Outcome(job)
        try:
            show_job(ask(job), as_json=as_json)
        except RotographError as error:
            outcome.error = error
            say(f"{job}: {error}")
        status = max(status, outcome.status)
    return status
