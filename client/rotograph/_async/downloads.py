"""Results downloaded to files: asked for until they are made, and gone on with where they broke."""

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.message import Message
from functools import partial
from pathlib import Path
from typing import BinaryIO

import httpx

from rotograph._async.connection import AsyncConnection
from rotograph._async.jobs import raise_why
from rotograph.blocking import async_run, async_sleep
from rotograph.errors import JobFailedError, NotReadyError
from rotograph.options import Format
from rotograph.uploads import Progress

# A file that goes on where it broke is counted in the bytes that are sent.
_HEADERS: Mapping[str, str] = {"Accept-Encoding": "identity", "Prefer": "wait=20"}
_NOT_RENDERED = "not-rendered"


async def download(
    connection: AsyncConnection,
    job_id: str,
    form: Format,
    to: Path,
    progress: Progress | None,
) -> Path:
    """Download a result to a file, or into a folder; see `download` of the client."""
    answer = await _made(connection, job_id, form, {}, progress)
    try:
        is_folder = await async_run(to.is_dir)
        target = to / _name(answer, f"{job_id}.{form}") if is_folder else to
        async with _whole_or_absent(target) as file:
            failures = saved = 0
            while True:
                try:
                    await _save(answer, file, progress)
                    return target
                except httpx.TransportError as error:
                    failures = 1 if file.tell() > saved else failures + 1
                    saved = file.tell()
                    await async_sleep(connection.policy.pause_after_error(error, failures))
                rest = _rest(answer, saved)
                answer = await _made(connection, job_id, form, rest, progress)
    finally:
        await answer.aclose()


async def _made(
    connection: AsyncConnection,
    job_id: str,
    form: Format,
    headers: Mapping[str, str],
    progress: Progress | None,
) -> httpx.Response:
    """Ask for a result until it is made in its format; return it, yet to be read and closed."""
    path = address(job_id, form)
    while True:
        try:
            return await connection.open("GET", path, headers={**_HEADERS, **headers})
        except JobFailedError:
            await raise_why(connection, job_id)
            raise
        except NotReadyError as error:
            if error.slug != _NOT_RENDERED or error.retry_after_s is None:
                raise
            if progress is not None:
                progress(0, 0)
            await async_sleep(error.retry_after_s)


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


async def _save(answer: httpx.Response, file: BinaryIO, progress: Progress | None) -> None:
    if answer.status_code != 206:
        file.seek(0)
        await async_run(file.truncate)
    size = int(answer.headers.get("Content-Length", 0))
    whole = file.tell() + size if size else 0
    async for block in answer.aiter_bytes():
        await async_run(file.write, block)
        if progress is not None:
            progress(file.tell(), whole)


def _name(answer: httpx.Response, otherwise: str) -> str:
    message = Message()
    message["Content-Disposition"] = answer.headers.get("Content-Disposition", "")
    return Path(message.get_filename(otherwise)).name


@asynccontextmanager
async def _whole_or_absent(target: Path) -> AsyncIterator[BinaryIO]:
    """Open a file beside the target that becomes the target if nothing goes wrong."""
    # Not longer than the target's name may be.
    part = target.with_name(f".{uuid.uuid4().hex}.part")
    file = await async_run(_open, part)
    try:
        try:
            yield file
        finally:
            await async_run(file.close)
        await async_run(part.replace, target)
    finally:
        await async_run(partial(part.unlink, missing_ok=True))


def _open(path: Path) -> BinaryIO:
    return path.open("wb")
