"""Rotograph's client: `Client`, and `AsyncClient` for asyncio."""

from rotograph._async.client import AsyncClient
from rotograph._sync.client import Client
from rotograph._version import __version__
from rotograph.detections import as_detections
from rotograph.errors import (
    AuthenticationError,
    BusyError,
    JobCanceledError,
    JobFailedError,
    NotFoundError,
    NotReadyError,
    ProblemError,
    RequestError,
    RotographError,
    ServerError,
    UnexpectedResponseError,
    UnreachableError,
    WaitTimeoutError,
)
from rotograph.job import Job, Problem
from rotograph.results import Action, Frame, Model, Object, Result, Shot, Track, Video
from rotograph.retry_policy import RetryPolicy

__all__ = [
    "Action",
    "AsyncClient",
    "AuthenticationError",
    "BusyError",
    "Client",
    "Frame",
    "Job",
    "JobCanceledError",
    "JobFailedError",
    "Model",
    "NotFoundError",
    "NotReadyError",
    "Object",
    "Problem",
    "ProblemError",
    "RequestError",
    "Result",
    "RetryPolicy",
    "RotographError",
    "ServerError",
    "Shot",
    "Track",
    "UnexpectedResponseError",
    "UnreachableError",
    "Video",
    "WaitTimeoutError",
    "__version__",
    "as_detections",
]
