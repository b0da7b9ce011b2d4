"""Results as they are streamed: from files, in blocks, never whole in memory."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import anyio
import anyio.to_thread

from jobs.errors import JobError
from jobs.values import Job, JobState
from service.errors import JobCanceled, JobFailed, ServiceError
from service.problem_kinds import kind_of
from service.schemas import Problem
from service.state import Queue

BLOCK_CHARACTERS = 2**16
POLL_S = 0.2


def require_result(job: Job) -> None:
    """Raise why a job has no result, if it is failed or canceled.

    Raises:
        JobFailed: the job failed.
        JobCanceled: the job was canceled.
    """
    if job.failure is not None:
        raise JobFailed(f"The job failed, so that it has no result: {job.failure.message}")
    if job.state is JobState.CANCELED:
        raise JobCanceled(
            f"The job was canceled after {job.frames_done} of {job.frames_total} frames, so that "
            "it has no result."
        )


def json_blocks(header: Mapping[str, Any], lines: Iterator[str]) -> Iterator[str]:
    r"""Yield the whole result as one JSON object.

    Args:
        header: all of the result but its frames.
        lines: the frames, each a JSON object with its line's end.

    >>> header = {"job": "a"}
    >>> "".join(json_blocks(header, iter(['{"index": 0}\n', '{"index": 1}\n'])))
    '{"job": "a", "frames": [{"index": 0},{"index": 1}]}'
    """
    head = json.dumps(header).removesuffix("}")
    yield f'{head}{", " if header else ""}"frames": ['
    separator = ""
    for block in _blocks(lines):
        yield separator + ",".join(line.rstrip("\n") for line in block)
        separator = ","
    yield "]}"


def ndjson_blocks(lines: Iterator[str]) -> Iterator[str]:
    """Yield the result's frames, one JSON object a line."""
    for block in _blocks(lines):
        yield "".join(block)


def text_blocks(pieces: Iterator[str]) -> Iterator[str]:
    """Yield a text in blocks of a size worth sending, from pieces of any size."""
    for block in _blocks(pieces):
        yield "".join(block)


async def followed(queue: Queue, job_id: str, lines: Iterator[str]) -> AsyncIterator[str]:
    """Yield the frames of a job as they are done, one JSON object a line.

    A job that ends without a result is told by a last line `{"problem": {...}}`: the status has
    been sent by then.

    Args:
        queue: of the job.
        job_id: of the job.
        lines: follows the job, each line with its end; an empty string where nothing is new.
    """
    try:
        while block := await anyio.to_thread.run_sync(_next_block, lines):
            text = "".join(block)
            if text:
                yield text
            else:
                await anyio.sleep(POLL_S)
    except JobError as error:
        yield await anyio.to_thread.run_sync(_last_line, queue, job_id, error)


def _blocks(lines: Iterator[str]) -> Iterator[list[str]]:
    while block := _next_block(lines):
        yield block


def _next_block(lines: Iterator[str]) -> list[str]:
    """Take lines until there is nothing new; an empty list says that it is over."""
    block: list[str] = []
    size = 0
    for line in lines:
        block.append(line)
        size += len(line)
        if not line or size >= BLOCK_CHARACTERS:
            break
    return block


def _last_line(queue: Queue, job_id: str, error: JobError) -> str:
    reason: JobError | ServiceError = error
    try:
        require_result(queue.get(job_id))
    except (JobError, ServiceError) as told:
        reason = told
    problem = Problem.of(kind_of(type(reason)), str(reason), job=job_id)
    return json.dumps({"problem": problem.model_dump(mode="json", exclude_none=True)}) + "\n"
