"""The other side of HTTP: a client for Python and its twin for asyncio."""

from client.async_client import AsyncClient
from client.detections import as_detections
from client.errors import (
    Broken,
    Busy,
    ClientError,
    JobCanceled,
    JobFailed,
    KeyRefused,
    NotInTime,
    NotOurs,
    NotThere,
    ProblemError,
    Refused,
    Unreachable,
)
from client.job import Job, Problem
from client.retries import Retries
from client.sync_client import Client
from client.values import Action, Frame, Model, Object, Result, Track, Video

__all__ = [
    "Action",
    "AsyncClient",
    "Broken",
    "Busy",
    "Client",
    "ClientError",
    "Frame",
    "Job",
    "JobCanceled",
    "JobFailed",
    "KeyRefused",
    "Model",
    "NotInTime",
    "NotOurs",
    "NotThere",
    "Object",
    "Problem",
    "ProblemError",
    "Refused",
    "Result",
    "Retries",
    "Track",
    "Unreachable",
    "Video",
    "as_detections",
]
