"""Jobs followed to their end: by their events, or by looks now and then, and frame by frame."""

import json
import math
import time

import httpx

from client.errors import JobFailed, NotInTime, NotThere, Refused, error_of, require_result
from client.job import Job, Problem
from client.retries import Retries, answered, unreachable
from client.steps import Call, Pause, Read, Task, Tell
from client.tasks import look, tell_why
from client.uploads import Progress
from client.values import Frame

FIRST_LOOK_S = 0.1
LATER_LOOK_S = 2.0
# The service writes something at least each 15 s, so that only then it is seen that time is over.
HEARTBEAT_S = 20.0


def wait(
    job_id: str, timeout_s: float | None, progress: Progress | None, retries: Retries
) -> Task[Job]:
    """Follow a job to its end.

    Args:
        job_id: of the job.
        timeout_s: how long to wait; None for as long as it takes.
        progress: called with the frames that are done and those in all.
        retries: of each request.

    Raises:
        JobFailed: it failed.
        JobCanceled: it was canceled.
        NotInTime: it isn't over yet.
    """
    until = math.inf if timeout_s is None else time.monotonic() + timeout_s
    has_events = True
    pause_s = FIRST_LOOK_S
    while True:
        job = yield from look(job_id, retries)
        if progress is not None:
            progress(job.frames_done, job.frames_total)
        if job.final:
            return require_result(job)
        left_s = until - time.monotonic()
        if left_s <= 0:
            raise NotInTime(
                f"Job {job_id!r} is {job.state} after {timeout_s:g} s: {job.frames_done} of "
                f"{job.frames_total} frames done."
            )
        if has_events and left_s > HEARTBEAT_S:
            has_events = yield from _listen(job_id, until - HEARTBEAT_S, progress, retries)
        yield Pause(min(pause_s, max(left_s, 0)))
        pause_s = min(pause_s * 1.5, LATER_LOOK_S)


def _listen(job_id: str, until: float, progress: Progress | None, retries: Retries) -> Task[bool]:
    """Listen to the events of a job until they end, break off or time is over.

    Returns:
        Whether the service has events.
    """
    headers = {"Accept": "text/event-stream"}
    call = Call("GET", f"/jobs/{job_id}/events", headers=headers, opened="lines")
    try:
        yield from answered(call, retries)
    except NotThere as error:
        if error.type == "/problems/not-found":  # nothing lives there: not "no such job"
            return False
        raise
    except Refused as error:
        if error.status == 406:
            return False
        raise
    event = ""
    try:
        while (line := (yield Read())) is not None and time.monotonic() < until:
            name, _, value = line.partition(": ")
            if name == "event":
                event = value
            elif name == "data" and event == "progress" and progress is not None:
                body = json.loads(value)
                progress(body["frames_done"], body["frames_total"])
    except httpx.TransportError:
        pass  # the next look says whether the service is gone
    return True


def frames(job_id: str, retries: Retries) -> Task[None]:
    """Tell each frame as soon as it is done, once, also where the connection breaks.

    Raises:
        JobFailed: the job failed.
        JobCanceled: the job was canceled.
    """
    try:
        yield from _frames(job_id, retries)
    except JobFailed:
        yield from tell_why(job_id, retries)
        raise


def _frames(job_id: str, retries: Retries) -> Task[None]:
    call = Call("GET", f"/jobs/{job_id}/result", {"format": "ndjson"}, opened="lines")
    seen = 0
    failures = 0
    while True:
        yield from answered(call, retries)
        try:
            number = 0
            while (line := (yield Read())) is not None:
                body = json.loads(line)
                if "problem" in body:
                    raise error_of(Problem.of(body["problem"]))
                number += 1
                if number > seen:  # else it was told before the connection broke
                    seen, failures = number, 0
                    yield Tell(Frame.of(body))
            return
        except httpx.ReadTimeout:
            pass  # nothing was done for long: a job that waits for its turn
        except httpx.TransportError as error:
            failures += 1
            if failures >= retries.attempts:
                raise unreachable(error, failures) from error
            yield Pause(retries.pause_s(failures))
