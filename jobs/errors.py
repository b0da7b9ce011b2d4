"""The errors of the job engine; they know no HTTP.

JobError
├── JobNotFound       no job has this id (or it was deleted)
├── JobNotFinished    its result was asked for before it is complete
├── JobHasNoResult    it failed or was canceled, so there is none
└── BadCursor         a list of jobs was to go on from a place that was never given out
"""


class JobError(Exception):
    """The base of every error that the job engine raises on purpose."""


class JobNotFound(JobError):  # noqa: N818 - the name says the state, as httpx's errors do
    """No job has this id, or it was deleted."""


class JobNotFinished(JobError):  # noqa: N818 - see JobNotFound
    """The job's result isn't complete yet."""


class JobHasNoResult(JobError):  # noqa: N818 - see JobNotFound
    """The job failed or was canceled, so that it has no complete result."""


class BadCursor(JobError):  # noqa: N818 - see JobNotFound
    """The cursor isn't one that a list of jobs gave out."""
