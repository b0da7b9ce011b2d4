"""Videos segmented one after another, with bars, and their results kept as files."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from client.bars import bar
from client.errors import (
    Busy,
    ClientError,
    KeyRefused,
    NotOurs,
    ProblemError,
    Unreachable,
)
from client.job import Job
from client.options import Format, Options
from client.sync_client import Client
from client.uploads import url_of

DONE, FAILED, REFUSED, INTERRUPTED = 0, 1, 3, 130
# What a format is called as a file, where that isn't as the format; as the service calls it.
_ENDINGS: dict[Format, str] = {
    "coco": "coco.json",
    "ytvis": "ytvis.json",
    "cvat": "cvat.xml",
    "labelstudio": "labelstudio.json",
    "davis": "davis.zip",
}
# The next video would meet the same.
_HOPELESS = (Unreachable, NotOurs, KeyRefused, Busy)


@dataclass(frozen=True)
class Asked:
    """What was asked for.

    Attributes:
        sources: paths and URLs of videos.
        out: folder of the results.
        formats: of each result.
        options: of each job.
        overwrite: whether results may replace files.
        as_json: whether a JSON object is written for each video, in place of words.
    """

    sources: tuple[str, ...]
    out: Path
    formats: tuple[Format, ...]
    options: Options = field(default_factory=Options)
    overwrite: bool = False
    as_json: bool = False

    def target(self, source: str, form: Format) -> Path:
        """Return where the result of a video goes in a format.

        >>> Asked((), Path("out"), ()).target("https://example.org/my%20dog.mp4?a=b", "cvat")
        PosixPath('out/my dog.cvat.xml')
        """
        stem = Path(name_of(source)).stem or "video"
        return self.out / f"{stem}.{_ENDINGS.get(form, form)}"

    def fault(self) -> str | None:
        """Say what is wrong with it; None where nothing is."""
        for source in self.sources:
            if not url_of(source) and not Path(source).is_file():
                return f"Got {source!r}, wanted the path or the URL of a video."
        taken: dict[Path, str] = {}
        for source in self.sources:
            for form in self.formats:
                target = self.target(source, form)
                if target in taken:
                    return f"Got {taken[target]!r} and {source!r}, which would both be {target}."
                taken[target] = source
                if target.exists() and not self.overwrite:
                    return f"{target} is there already; --overwrite replaces it."
        return None


def name_of(source: str) -> str:
    """Return what the file of a path or a URL is called."""
    url = url_of(source)
    return PurePosixPath(unquote(urlsplit(url).path)).name if url else Path(source).name


@dataclass
class Outcome:
    """What became of a video.

    Attributes:
        source: its path or URL.
        job: as it was last seen; None where there is none.
        files: that were written.
        error: that ended it.
    """

    source: str
    job: Job | None = None
    files: list[Path] = field(default_factory=list)
    error: ClientError | OSError | None = None

    @property
    def status(self) -> int:
        """The exit status that it calls for."""
        if self.error is None:
            return DONE
        if isinstance(self.error, ProblemError) and self.error.job is not None:
            return FAILED
        return FAILED if isinstance(self.error, OSError) else REFUSED

    def body(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        kind = self.error.type if isinstance(self.error, ProblemError) else None
        return {
            "source": self.source,
            "job": self.job.id if self.job else getattr(self.error, "job", None),
            "frames": self.job.frames_done if self.job and self.job.final else None,
            "copied_from": self.job and self.job.copied_from,
            "files": [str(file) for file in self.files],
            "error": self.error and {"type": kind, "detail": str(self.error)},
        }


def run(client: Client, asked: Asked) -> int:
    """Do what was asked for; return the exit status."""
    status = DONE
    for source in asked.sources:
        outcome = Outcome(source)
        try:
            _segment(client, asked, outcome)
        except KeyboardInterrupt:
            _cancel(client, outcome)
            return INTERRUPTED
        except (ClientError, OSError) as error:
            outcome.error = error
            _say(f"{source}: {error}")
        if asked.as_json:
            print(json.dumps(outcome.body()), flush=True)
        status = max(status, outcome.status)
        if isinstance(outcome.error, _HOPELESS):
            break
    return status


def _segment(client: Client, asked: Asked, outcome: Outcome) -> None:
    """Segment a video and keep its results; tell the outcome how far it came."""
    asked.out.mkdir(parents=True, exist_ok=True)
    source, name = outcome.source, name_of(outcome.source)
    if url_of(source):
        _say(f"{source}: the service fetches it")
        outcome.job = client.submit(source, **asked.options)
    else:
        with bar(f"{name}: uploading", "B") as progress:
            outcome.job = client.submit(source, on_upload=progress, **asked.options)
    with bar(f"{name}: segmenting", "frame") as progress:
        outcome.job = client.wait(outcome.job, on_progress=progress)
    if not asked.as_json:
        copied = outcome.job.copied_from
        told = f", copied from job {copied}" if copied else ""
        print(f"{source}: {outcome.job.frames_done} frames, job {outcome.job.id}{told}")
    for form in asked.formats:
        with bar(f"{name}: {form}", "B") as progress:
            target = asked.target(source, form)
            file = client.download(outcome.job, form, target, on_progress=progress)
        outcome.files.append(file)
        if not asked.as_json:
            print(f"Wrote {file}", flush=True)


def _cancel(client: Client, outcome: Outcome) -> None:
    """Cancel the job of a video, if it has one, and say so."""
    if outcome.job is None:
        _say("Interrupted before the service had answered with a job.")
        return
    try:
        job = client.cancel(outcome.job)
    except ClientError as error:
        _say(f"Interrupted, but job {outcome.job.id} couldn't be canceled: {error}")
        return
    if job.state == "canceled":
        done = f"{job.frames_done} of {job.frames_total} frames"
        _say(f"Interrupted: canceled job {job.id} after {done}.")
    else:
        _say(f"Interrupted: job {job.id} had {job.state} already.")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
