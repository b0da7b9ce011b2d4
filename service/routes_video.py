"""The video that a job was made of, as it was uploaded."""

import mimetypes

import anyio.to_thread
from fastapi import APIRouter

from jobs.errors import DatabaseAway, JobNotFound, StoreAway
from service.callers import Shared
from service.errors import BeyondTheFile, InvalidRequest
from service.file_answer import FileAnswer
from service.negotiation import attachment
from service.problems import problem_answers

# Whatever was uploaded: no browser may take it for a page and run what is in it.
POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
UNKNOWN = "application/octet-stream"
_MEDIA = {
    "video/*": {"schema": {"type": "string", "contentMediaType": "video/*"}},
    UNKNOWN: {"schema": {"type": "string", "contentMediaType": UNKNOWN}},
}

router = APIRouter(tags=["jobs"])


@router.get(
    "/jobs/{job_id}/video",
    summary="Get the video of a job",
    response_class=FileAnswer,
    response_description="The file as it was uploaded.",
    responses={
        200: {"content": _MEDIA},
        206: {"description": "The part that `Range` asks for.", "content": _MEDIA},
        **problem_answers(JobNotFound, BeyondTheFile, InvalidRequest, StoreAway, DatabaseAway),
    },
)
async def get_video(job_id: str, shared: Shared) -> FileAnswer:
    """Answer the upload for players, which ask for parts of it with `Range`.

    Its type goes by the name that the client gave it, and is only ever one of a video.
    """
    job = await anyio.to_thread.run_sync(shared.queue.get, job_id)
    uploads = shared.uploads
    path = await anyio.to_thread.run_sync(uploads.find, uploads.upload(job.id))
    if path is None:
        raise JobNotFound(f"Job {job_id!r} was deleted.")
    headers = {
        "Content-Disposition": attachment(job.request.filename),
        "Content-Security-Policy": POLICY,
    }
    return FileAnswer(path, 200, headers, media_type(job.request.filename))


def media_type(filename: str) -> str:
    """Guess the type of a video from its name; of anything else it is unknown.

    >>> media_type("dog.mp4"), media_type("dog.html"), media_type("dog")
    ('video/mp4', 'application/octet-stream', 'application/octet-stream')
    """
    guessed, _ = mimetypes.guess_type(filename)
    return guessed if guessed is not None and guessed.startswith("video/") else UNKNOWN
