"""The errors of the job engine; they know no HTTP.

JobError
├── JobNotFound       no job has this id (or it was deleted)
├── JobNotFinished    its result was asked for before it is complete
├── JobHasNoResult    it failed or was canceled, so there is none
├── BadCursor         a list of jobs was to go on from a place that was never given out
├── IdempotencyConflict  an idempotency key was used for another request
├── QueueFull         as many jobs wait as the service takes
├── TooManyJobs       the key has as many unfinished jobs as it may
├── KeyUnknown        the API key isn't one of ours
├── KeyRevoked        the API key was revoked
├── KeyNotFound       no API key has this name
├── KeyExists         an API key has, or had, this name
├── SchemaTooNew      the database was made by a newer version of the service
├── DatabaseAway      the database of jobs doesn't answer
├── StoreAway         the store of the jobs' files doesn't answer, or refuses
├── StoreRefuses      the store of the jobs' files doesn't exist, or doesn't let us use it
├── BadUrl            a URL that a client names isn't one that may be reached
└── BadKeyName        the name of a key isn't fit for a log
"""


class JobError(Exception):
    """The base of every error that the job engine raises on purpose."""


class JobNotFound(JobError):
    """No job has this id, or it was deleted."""


class JobNotFinished(JobError):
    """The job's result isn't complete yet."""


class JobHasNoResult(JobError):
    """The job failed or was canceled, so that it has no complete result."""


class BadCursor(JobError):
    """The cursor isn't one that a list of jobs gave out."""


class IdempotencyConflict(JobError):
    """The idempotency key was used for another request."""


class QueueFull(JobError):
    """As many jobs wait for a worker as the service takes."""


class TooManyJobs(JobError):
    """The key has as many unfinished jobs as it may."""


class KeyUnknown(JobError):
    """The API key isn't one of ours."""


class KeyRevoked(JobError):
    """The API key was revoked."""


class KeyNotFound(JobError):
    """No API key has this name."""


class KeyExists(JobError):
    """An API key has this name, or had it before it was revoked."""


class SchemaTooNew(JobError):
    """A newer version of the service made the database, and this one can't read it."""


class DatabaseAway(JobError):
    """The database of jobs doesn't answer; raised by nobody, since its driver's errors say it."""


class StoreAway(JobError):
    """The store of the jobs' files doesn't answer, or refuses to give or to take."""


class StoreRefuses(JobError):
    """The store of the jobs' files, at the start, doesn't exist or doesn't let us use it."""


class BadUrl(JobError):
    """A URL that a client names isn't one that may be reached."""


class BadKeyName(JobError):
    """The name of a key isn't fit for a log."""
