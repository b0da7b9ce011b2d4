"""The database of jobs: how it is opened and made ready, its tables and its clock."""

import logging
import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dbos import DBOS

from jobs.migrations import upgrade

# What the API and the workers call each other's things by, in the database of DBOS.
APPLICATION = "rotograph"
QUEUE = "segment"
WORKFLOW = "segment"

# What is raised where the database doesn't answer, or is full or locked.
OUTAGES = (sa.exc.OperationalError, sa.exc.InterfaceError)

_MAKING_TABLES = 7_368_674  # any number that no other program locks in this database

# As the last file in migrations/versions/ leaves it: whoever changes this adds one there.
METADATA = sa.MetaData()

JOBS = sa.Table(
    "jobs",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),  # rising: the order of the list
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("request", sa.JSON, nullable=False),
    sa.Column("video", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),  # seconds since 1970, as all times here
    sa.Column("started_at", sa.Double),
    sa.Column("finished_at", sa.Double),
    sa.Column("frames_done", sa.Integer, nullable=False),
    sa.Column("frames_total", sa.Integer, nullable=False),
    sa.Column("segments", sa.Integer),  # how many it is cut into
    sa.Column("linked", sa.Integer),  # how many of them, from the first, are in the result
    sa.Column("early", sa.Integer),  # frames that can be read beyond `linked`; short of it < 0
    sa.Column("turn", sa.Integer, key="place"),  # of its first segment, see fair_queue.py
    sa.Column("rank", sa.Integer),  # of its priority, see fair_queue.py
    sa.Column("model", sa.JSON),  # name and version
    sa.Column("runtime", sa.Text),  # that its first segment pinned it to, see runtime.py
    sa.Column("failure_kind", sa.Text),
    sa.Column("failure_message", sa.Text),
    sa.Column("owner", sa.Text),  # name of its key; null where there were no keys
    sa.Column("idempotency_key", sa.Text),  # after its owner's name and a line break
    sa.Column("fingerprint", sa.Text),  # of the request with that key
    sa.Column("digest", sa.Text),  # of the upload and what shapes its result, see admission.py
    sa.Column("copied_from", sa.Text),  # the job whose result it has a copy of
    sa.Column("request_id", sa.Text),  # of the request that made it, as the API's log has it
    sa.Column("traceparent", sa.Text),  # of its span, see tracing.py
    sa.Index("jobs_by_idempotency_key", "idempotency_key", unique=True),
    sa.Index("jobs_by_digest", "digest"),
    sa.Index("jobs_by_state", "state", "number"),
    sa.Index("jobs_by_owner", "owner", "number"),
    sqlite_autoincrement=True,  # a deleted job's number is never given again
)

# One row for each segment that a worker has taken up, until its job is final.
SEGMENTS = sa.Table(
    "segments",
    METADATA,
    sa.Column("job_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("turn", sa.Integer, key="place"),  # when it was taken up first
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("frames_done", sa.Integer, nullable=False),
)

WORKERS = sa.Table(
    "workers",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("device", sa.Text, nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("model_version", sa.Text, nullable=False),
    sa.Column("runtime", sa.Text),
    sa.Column("seen_at", sa.Double, nullable=False),
    sa.Column("sandbox_lacks", sa.JSON),
    sa.Column("card", sa.JSON),
)


CALLBACKS = sa.Table(
    "callbacks",
    METADATA,
    sa.Column("job_id", sa.Text, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("due_at", sa.Double, index=True),  # null until the job ends
)

# Of jobs, as their requests have them: here they are found by.
LABELS = sa.Table(
    "labels",
    METADATA,
    sa.Column("job_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Index("labels_by_value", "name", "value"),
)

API_KEYS = sa.Table(
    "keys",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("secret_hash", sa.Text, nullable=False),
    sa.Column("max_jobs", sa.Integer),
    sa.Column("requests_per_minute", sa.Integer),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("revoked_at", sa.Double),
)


def embedded_url(data_dir: Path) -> str:
    return f"sqlite:///{data_dir.resolve() / 'jobs.sqlite'}"


def open_database(url: str) -> sa.Engine:
    """Open `sqlite:///PATH` or `postgresql://...`, made if need be; raises SchemaTooNew."""
    for library in ("dbos", "alembic"):
        logging.getLogger(library).setLevel(logging.WARNING)
    address = sa.make_url(url)
    if address.get_backend_name() == "sqlite":
        _use_write_ahead_log(Path(str(address.database)))
    DBOS.migrate(url)
    engine = _engine(address)
    try:
        _upgrade(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _upgrade(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MAKING_TABLES)))
        else:
            # Python's driver begins no transaction for statements that make tables.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        upgrade(connection)


def workflow_id(job_id: str, segment: int) -> str:
    """Return DBOS's name of the work on a segment."""
    return f"{job_id}-{segment:06d}"


def workflows(connection: sa.Connection) -> sa.TableClause:
    """Return DBOS's table of workflows, as far as it is used here."""
    return sa.table(
        "workflow_status",
        sa.column("workflow_uuid", sa.Text),
        sa.column("status", sa.Text),
        sa.column("priority", sa.Integer),
        sa.column("queue_name", sa.Text),
        sa.column("application_name", sa.Text),
        sa.column("application_version", sa.Text),
        sa.column("owner_xid", sa.Text),
        sa.column("started_at_epoch_ms", sa.BigInteger),
        schema="dbos" if connection.dialect.name == "postgresql" else None,
    )


def of_job(table: sa.TableClause, job_id: str) -> sa.ColumnElement[bool]:
    return table.c.workflow_uuid.between(workflow_id(job_id, 0), workflow_id(job_id, 999_999))


def now(engine: sa.Engine) -> sa.ColumnElement[float]:
    """Return the database's clock, on which machines agree, as seconds since 1970."""
    if engine.dialect.name == "sqlite":
        return sa.literal_column("((julianday('now') - 2440587.5) * 86400.0)", sa.Double)
    return sa.literal_column("extract(epoch from clock_timestamp())", sa.Double)


def _engine(address: sa.URL) -> sa.Engine:
    if address.get_backend_name() != "sqlite":
        return sa.create_engine(address.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    engine = sa.create_engine(address)

    @sa.event.listens_for(engine, "connect")
    def _wait_for_the_lock(connection: Any, _record: object) -> None:
        # A transaction that reads first and writes later can't wait for the lock: take it at once.
        connection.isolation_level = "IMMEDIATE"
        connection.execute("PRAGMA busy_timeout=30000")

    return engine


def _use_write_ahead_log(path: Path, timeout_s: float = 30.0) -> None:
    """Switch the file's journal, which lasts; SQLite doesn't wait for its lock here, so we do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + timeout_s
    while True:
        connection = sqlite3.connect(path, timeout=timeout_s)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        finally:
            connection.close()
