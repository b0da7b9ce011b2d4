"""`rotograph segment`: videos segmented one after another, and their results kept as files."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from rotograph import (
    AuthenticationError,
    BusyError,
    Client,
    Job,
    RotographError,
    UnexpectedResponseError,
    UnreachableError,
)
from rotograph.commands.files import Files, name_of
from rotograph.commands.outcome import DONE, INTERRUPTED, Outcome, say
from rotograph.commands.progress import progress
from rotograph.options import Options
from rotograph.uploads import url_of

# The next video would meet the same.
_HOPELESS = (UnreachableError, UnexpectedResponseError, AuthenticationError, BusyError)


@dataclass(frozen=True)
class Segment:
    """What was asked for; without `files` nobody waits. ValueError: a video isn't there."""

    sources: tuple[str, ...]
    files: Files | None
    options: Options = field(default_factory=Options)
    fresh: bool = False
    as_json: bool = False

    def __post_init__(self) -> None:
        for source in self.sources:
            if not url_of(source) and not Path(source).is_file():
                raise ValueError(f"VIDEO must be the path or the URL of a video, got {source!r}.")
        if self.files is not None:
            self.files.check(self.sources)

    def __call__(self, client: Client) -> int:
        status = DONE
        for source in self.sources:
            outcome = Outcome(source)
            try:
                outcome.job = self._submit(client, source)
                if self.files is not None:
                    finish(client, outcome.job, outcome, self.files, as_json=self.as_json)
            except KeyboardInterrupt:
                _cancel(client, outcome)
                return INTERRUPTED
            except (RotographError, OSError) as error:
                outcome.error = error
                say(f"{source}: {error}")
            if self.as_json:
                print(json.dumps(outcome.body()), flush=True)
            status = max(status, outcome.status)
            if isinstance(outcome.error, _HOPELESS):
                break
        return status

    def _submit(self, client: Client, source: str) -> Job:
        if url_of(source):
            say(f"{source}: the service fetches it")
            job = client.submit(source, fresh=self.fresh, **self.options)
        else:
            with progress(f"{name_of(source)}: uploading", "B") as move:
                job = client.submit(source, fresh=self.fresh, on_upload=move, **self.options)
        if self.files is None and not self.as_json:
            print(f"{source}: job {job.id}", flush=True)
        return job


def finish(client: Client, job: Job, outcome: Outcome, files: Files, *, as_json: bool) -> None:
    """Wait for the job of a video and keep its results; tell the outcome how far it came."""
    name = name_of(outcome.source)
    with progress(f"{name}: segmenting", "frame") as move:
        outcome.job = job = client.wait(job, on_progress=move)
    if not as_json:
        copied = f", copied from job {job.copied_from}" if job.copied_from else ""
        print(f"{outcome.source}: {job.frames_done} frames, job {job.id}{copied}")
    for form in files.formats:
        file = files.download(client, job, outcome.source, form)
        outcome.files.append(file)
        if not as_json:
            print(f"Wrote {file}", flush=True)


def _cancel(client: Client, outcome: Outcome) -> None:
    if outcome.job is None:
        say("Interrupted before the service had answered with a job.")
        return
    try:
        job = client.cancel(outcome.job)
    except RotographError as error:
        say(f"Interrupted, but job {outcome.job.id} couldn't be canceled: {error}")
        return
    if job.state == "canceled":
        done = f"{job.frames_done} of {job.frames_total} frames"
        say(f"Interrupted: canceled job {job.id} after {done}.")
    else:
        say(f"Interrupted: job {job.id} had {job.state} already.")
