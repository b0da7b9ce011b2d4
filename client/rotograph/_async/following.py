"""Jobs followed to their end: by their events or by looks now and then, and frame by frame."""

import json
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from http import HTTPStatus

import httpx

from rotograph._async.connection import AsyncConnection, lines
from rotograph._async.jobs import look, raise_why
from rotograph.blocking import async_sleep
from rotograph.errors import (
    JobFailedError,
    NotFoundError,
    RequestError,
    WaitTimeoutError,
    error_of,
    require_result,
)
from rotograph.events import EventReader
from rotograph.job import Job, Problem
from rotograph.results import Frame
from rotograph.uploads import Progress

FIRST_LOOK_S = 0.1
LATER_LOOK_S = 2.0
# The service writes something at least each 15 s, so that only then it is seen that time is over.
HEARTBEAT_S = 20.0


async def wait(
    connection: AsyncConnection, job_id: str, timeout_s: float | None, progress: Progress | None
) -> Job:
    """Follow a job to its end; raises JobFailedError, JobCanceledError or WaitTimeoutError."""
    until = math.inf if timeout_s is None else time.monotonic() + timeout_s
    has_events = True
    pause_s = FIRST_LOOK_S
    while True:
        job = await look(connection, job_id)
        if progress is not None:
            progress(job.frames_done, job.frames_total)
        if job.final:
            return require_result(job)
        left_s = until - time.monotonic()
        if left_s <= 0:
            raise WaitTimeoutError(
                f"Job {job_id!r} is {job.state} after {timeout_s:g} s: {job.frames_done} of "
                f"{job.frames_total} frames done."
            )
        if has_events and left_s > HEARTBEAT_S:
            has_events = await _listen(connection, job_id, until - HEARTBEAT_S, progress)
        await async_sleep(min(pause_s, max(left_s, 0)))
        pause_s = min(pause_s * 1.5, LATER_LOOK_S)


async def _listen(
    connection: AsyncConnection, job_id: str, until: float, progress: Progress | None
) -> bool:
    """Listen to a job's events until they end, break off or time is over; False: there are none."""
    path, headers = f"/jobs/{job_id}/events", {"Accept": "text/event-stream"}
    reader = EventReader()
    try:
        async with aclosing(await connection.open("GET", path, headers=headers)) as answer:
            async for line in lines(answer):
                event = reader.read(line)
                if event is not None and event.name == "progress" and progress is not None:
                    body = json.loads(event.data)
                    progress(body["frames_done"], body["frames_total"])
                if time.monotonic() >= until:
                    break
    except httpx.TransportError:
        pass  # the next look says whether the service is gone
    except NotFoundError as error:
        if error.slug == "not-found":  # nothing lives there: not "no such job"
            return False
        raise
    except RequestError as error:
        if error.status == 406:
            return False
        raise
    return True


async def frames(connection: AsyncConnection, job_id: str) -> AsyncIterator[Frame]:
    """Yield each frame once, as soon as it is done; raises JobFailedError or JobCanceledError."""
    seen = failures = 0
    while True:
        try:
            async with aclosing(_read_frames(connection, job_id, seen)) as rest:
                async for frame in rest:
                    seen, failures = seen + 1, 0
                    yield frame
            return
        except JobFailedError:
            await raise_why(connection, job_id)
            raise
        except httpx.ReadTimeout:
            pass  # nothing was done for long: a job that waits for its turn
        except httpx.TransportError as error:
            failures += 1
            await async_sleep(connection.policy.pause_after_error(error, failures))


async def _read_frames(
    connection: AsyncConnection, job_id: str, seen: int
) -> AsyncGenerator[Frame, None]:
    path, params = f"/jobs/{job_id}/result", {"format": "ndjson", "start": str(seen)}
    async with aclosing(await connection.open("GET", path, params=params)) as answer:
        async for line in lines(answer):
            body = json.loads(line)
            if "problem" in body:
                problem = Problem.from_json(body["problem"])
                if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:  # it restarts: read on
                    raise httpx.RemoteProtocolError(problem.detail)
                raise error_of(problem)
            yield Frame.from_json(body)
