"""The errors of the job engine; they know no HTTP."""


class JobError(Exception):
    """The base of every error that the job engine raises on purpose."""


class JobNotFound(JobError):
    """No job has this id, or it was deleted."""


class JobNotFinished(JobError):
    """The job's result isn't complete yet."""


class JobHasNoResult(JobError):
    """The job failed or was canceled, so that it has no complete result."""


class WorkerLost(JobError):
    """Worker after worker died over the job."""


class JobTimedOut(JobError):
    """The job took longer than it may."""


class ModelGone(JobError):
    """No worker has the model any more that the job was begun with."""


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
    """The database of jobs doesn't answer."""


class StoreAway(JobError):
    """The store of the jobs' files doesn't answer, or refuses to give or to take."""


class StoreRefuses(JobError):
    """The store of the jobs' files, at the start, doesn't exist or doesn't let us use it."""


class BadUrl(JobError):
    """A URL that a client names isn't one that may be reached."""


class BadKeyName(JobError):
    """The name of a key isn't fit for a log."""
