"""Results downloaded to files: asked for until they are made, and gone on with where they broke."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.message import Message
from pathlib import Path
from typing import BinaryIO

import httpx

from client.errors import JobFailed, Refused
from client.options import Format
from client.retries import Retries, answered, unreachable
from client.steps import Call, Pause, Read, Task
from client.tasks import tell_why
from client.uploads import Progress

_PREFER = {"Prefer": "wait=20"}
_NOT_RENDERED = "/problems/not-rendered"


def download(
    job_id: str, form: Format, to: Path, progress: Progress | None, retries: Retries
) -> Task[Path]:
    """Download a result.

    Args:
        job_id: of a job that succeeded.
        form: of the result.
        to: the file, or a folder in which it gets the name that the service gives it.
        progress: called with the bytes that came and those in all, 0 where that isn't known; with
            0 and 0 now and then while the file is made.
        retries: of each request.

    Returns:
        The file. It is there whole or not at all.
    """
    path = f"/jobs/{job_id}/result"
    call = Call("GET", path, {"format": form}, _PREFER, opened="blocks")
    answer = yield from _made(job_id, call, progress, retries)
    target = to / _name(answer, f"{job_id}.{form}") if to.is_dir() else to
    with _whole_or_absent(target) as file:
        failures = saved = 0
        while True:
            try:
                yield from _save(answer, file, progress)
                return target
            except httpx.TransportError as error:
                failures = 1 if file.tell() > saved else failures + 1
                saved = file.tell()
                if failures >= retries.attempts:
                    raise unreachable(error, failures) from error
            yield Pause(retries.pause_s(failures))
            rest = _resumed(call, answer, saved)
            answer = yield from _made(job_id, rest, progress, retries)


def _made(
    job_id: str, call: Call, progress: Progress | None, retries: Retries
) -> Task[httpx.Response]:
    """Ask for a result until it is made in its format."""
    while True:
        try:
            return (yield from answered(call, retries))
        except JobFailed:
            yield from tell_why(job_id, retries)
            raise
        except Refused as error:
            if error.type != _NOT_RENDERED or error.retry_after_s is None:
                raise
            if progress is not None:
                progress(0, 0)
            yield Pause(error.retry_after_s)


def _resumed(call: Call, answer: httpx.Response, saved: int) -> Call:
    """Ask for the rest only, where the service can tell that it is of the same file."""
    if "ETag" not in answer.headers:
        return call
    rest = {"Range": f"bytes={saved}-", "If-Range": answer.headers["ETag"]}
    return replace(call, headers=_PREFER | rest)


def _save(answer: httpx.Response, file: BinaryIO, progress: Progress | None) -> Task[None]:
    if answer.status_code != 206:
        file.seek(0)
        file.truncate()
    size = int(answer.headers.get("Content-Length", 0))
    whole = file.tell() + size if size else 0
    while (block := (yield Read())) is not None:
        file.write(block)
        if progress is not None:
            progress(file.tell(), whole)


def _name(answer: httpx.Response, otherwise: str) -> str:
    message = Message()
    message["Content-Disposition"] = answer.headers.get("Content-Disposition", "")
    return Path(message.get_filename(otherwise)).name


@contextmanager
def _whole_or_absent(target: Path) -> Iterator[BinaryIO]:
    """Open a file beside the target that becomes the target where nothing goes wrong."""
    part = target.with_name(f".{target.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
