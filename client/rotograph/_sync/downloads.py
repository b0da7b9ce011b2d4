"""Results downloaded to files: asked for until they are made, and gone on with where they broke."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from functools import partial
from pathlib import Path
from typing import BinaryIO

import httpx

from rotograph._sync.connection import Connection
from rotograph._sync.jobs import raise_why
from rotograph.blocking import run, sleep
from rotograph.errors import JobFailedError, NotReadyError
from rotograph.options import Format
from rotograph.uploads import Progress

# A file that goes on where it broke is counted in the bytes that are sent.
_HEADERS: Mapping[str, str] = {"Accept-Encoding": "identity", "Prefer": "wait=20"}
_NOT_RENDERED = "not-rendered"


def download(
    connection: Connection,
    job_id: str,
    form: Format,
    to: Path,
    progress: Progress | None,
) -> Path:
    """Download a result to a file, or into a folder; see `download` of the client."""
    answer = _made(connection, job_id, form, {}, progress)
    try:
        is_folder = run(to.is_dir)
        target = to / _name(answer, f"{job_id}.{form}") if is_folder else to
        with _whole_or_absent(target) as file:
            failures = saved = 0
            while True:
                try:
                    _save(answer, file, progress)
                    return target
                except httpx.TransportError as error:
                    failures = 1 if file.tell() > saved else failures + 1
                    saved = file.tell()
                    sleep(connection.policy.pause_after_error(error, failures))
                rest = _rest(answer, saved)
                answer = _made(connection, job_id, form, rest, progress)
    finally:
        answer.close()


def _made(
    connection: Connection,
    job_id: str,
    form: Format,
    headers: Mapping[str, str],
    progress: Progress | None,
) -> httpx.Response:
    """Ask for a result until it is made in its format; return it, yet to be read and closed."""
    path = address(job_id, form)
    while True:
        try:
            return connection.open("GET", path, headers={**_HEADERS, **headers})
        except JobFailedError:
            raise_why(connection, job_id)
            raise
        except NotReadyError as error:
            if error.slug != _NOT_RENDERED or error.retry_after_s is None:
                raise
            if progress is not None:
                progress(0, 0)
            sleep(error.retry_after_s)


def address(job_id: str, form: Format) -> str:
    """Return the path of a result.

    >>> address("4b", "ndjson"), address("4b", "coco.json")
    ('/jobs/4b/result?format=ndjson', '/jobs/4b/files/coco.json')
    """
    if form in {"json", "ndjson"}:
        return f"/jobs/{job_id}/result?format={form}"
    return f"/jobs/{job_id}/files/{form}"


def _rest(answer: httpx.Response, saved: int) -> dict[str, str]:
    """Return headers that ask for the rest only, if the service can tell that it is the same."""
    if "ETag" not in answer.headers:
        return {}
    return {"Range": f"bytes={saved}-", "If-Range": answer.headers["ETag"]}


def _save(answer: httpx.Response, file: BinaryIO, progress: Progress | None) -> None:
    if answer.status_code != 206:
        file.seek(0)
        run(file.truncate)
    size = int(answer.headers.get("Content-Length", 0))
    whole = file.tell() + size if size else 0
    for block in answer.iter_bytes():
        run(file.write, block)
        if progress is not None:
            progress(file.tell(), whole)


def _name(answer: httpx.Response, otherwise: str) -> str:
    message = Message()
    message["Content-Disposition"] = answer.headers.get("Content-Disposition", "")
    return Path(message.get_filename(otherwise)).name


@contextmanager
def _whole_or_absent(target: Path) -> Iterator[BinaryIO]:
    """Open a file beside the target that becomes the target if nothing goes wrong."""
    # Not longer than the target's name may be.
    part = target.with_name(f".{uuid.uuid4().hex}.part")
    file = run(_open, part)
    try:
        try:
            yield file
        finally:
            run(file.close)
        run(part.replace, target)
    finally:
        run(partial(part.unlink, missing_ok=True))


def _open(path: Path) -> BinaryIO:
    return path.open("wb")
