"""The database: made by whoever comes first, brought up to date if older, refused if newer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from jobs.database import METADATA, embedded_url, open_database
from jobs.errors import SchemaTooNew
from jobs.migrations.versions import schema_1
from jobs.records import JobRecords
from jobs.values import JobFilter, JobState
from tests.jobs.unversioned import open_unversioned

NEWEST = "5"
VIDEO = {
    "width": 64,
    "height": 48,
    "frame_count": 3,
    "fps": "25",
    "duration_s": 0.12,
    "rotation": 0,
    "pixel_aspect": "1",
    "codec": "h264",
}


def rows_of(engine: sa.Engine) -> dict[str, list[dict[str, Any]]]:
    """Return what the tables of the first schema hold, whatever they are called now."""
    found = {}
    with engine.connect() as connection:
        for table in schema_1.METADATA.sorted_tables:
            query = sa.select(*table.columns).order_by(*table.primary_key)
            found[table.name] = [dict(row) for row in connection.execute(query).mappings()]
    return found


@pytest.fixture
def engine(database_url: str, tmp_path: Path) -> Iterator[sa.Engine]:
    (tmp_path / "data").mkdir(exist_ok=True)
    address = sa.make_url(database_url)
    if address.get_backend_name() == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    engine = sa.create_engine(address)
    yield engine
    engine.dispose()


@pytest.fixture
def unversioned(engine: sa.Engine, database_url: str) -> dict[str, list[dict[str, Any]]]:
    """A database as the code before the first version left it; returns what it holds."""
    open_unversioned(database_url, engine)
    tables = schema_1.METADATA.tables
    with engine.begin() as connection:
        for number, state in enumerate(JobState, 1):
            job = {
                "id": f"{number:032x}",
                "state": state,
                "request": {"filename": "clip.mp4"},
                "video": VIDEO,
                "created_at": 1.0,
                "finished_at": 2.0 if state.final else None,
                "frames_done": 0,
                "frames_total": 3,
                "segments": 1,
                "linked": 0,
                "failure_kind": "BrokenVideo" if state is JobState.FAILED else None,
                "failure_message": "Broken." if state is JobState.FAILED else None,
                "owner": "ada",
            }
            connection.execute(tables["jobs"].insert().values(job))
            hook = {"job_id": job["id"], "url": "https://example.org", "tries": 0}
            connection.execute(tables["callbacks"].insert().values(hook))
        segment = {"job_id": f"{2:032x}", "number": 0, "attempts": 1, "frames_done": 2}
        connection.execute(tables["segments"].insert().values(segment))
        key = {"id": "k", "name": "ada", "secret_hash": "h", "created_at": 1.0}
        connection.execute(tables["api_keys"].insert().values(key))
    return rows_of(engine)


def version(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def test_journal_of_sqlite_is_write_ahead(tmp_path: Path) -> None:
    engine = open_database(embedded_url(tmp_path))
    with engine.connect() as connection:
        assert connection.execute(sa.text("PRAGMA journal_mode")).scalar_one() == "wal"
    engine.dispose()


def test_the_revisions_make_the_tables_that_the_code_has(
    engine: sa.Engine, database_url: str
) -> None:
    open_database(database_url).dispose()
    assert version(engine) == NEWEST
    names = set(METADATA.tables)

    def ours(name: str | None, kind: str, _: object) -> bool:
        return kind != "table" or name in names

    with engine.connect() as connection:
        options = {"include_name": ours, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, METADATA) == []


def test_a_database_without_a_version_keeps_all_that_it_holds(
    unversioned: dict[str, Any], engine: sa.Engine, database_url: str
) -> None:
    opened = open_database(database_url)
    assert rows_of(engine) == unversioned
    assert version(engine) == NEWEST
    jobs = JobRecords(opened).list(JobFilter(), 10, None).jobs
    assert [job.state for job in reversed(jobs)] == list(JobState)
    opened.dispose()


def test_code_that_knows_no_versions_fails_and_loses_nothing(
    unversioned: dict[str, Any], engine: sa.Engine, database_url: str
) -> None:
    open_database(database_url).dispose()
    with pytest.raises(sa.exc.DBAPIError, match="needs_a_newer_version"):
        open_unversioned(database_url, engine)
    open_database(database_url).dispose()
    assert rows_of(engine) == unversioned
    assert version(engine) == NEWEST


def test_columns_that_an_old_database_lacks_are_added(
    engine: sa.Engine, database_url: str, unversioned: dict[str, Any]
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE workers DROP COLUMN card")
        connection.exec_driver_sql("DROP INDEX jobs_by_digest")
        connection.exec_driver_sql("DROP TABLE callbacks")
    open_database(database_url).dispose()
    assert rows_of(engine) == unversioned | {"callbacks": []}
    indexes = {index["name"] for index in sa.inspect(engine).get_indexes("jobs")}
    assert "jobs_by_digest" in indexes


def test_a_newer_database_is_refused_and_stays_as_it_is(
    engine: sa.Engine, database_url: str, unversioned: dict[str, Any]
) -> None:
    open_database(database_url).dispose()
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '99'")
        connection.exec_driver_sql("ALTER TABLE jobs ADD COLUMN of_the_future TEXT")
        connection.exec_driver_sql("UPDATE jobs SET of_the_future = 'kept'")
    with pytest.raises(SchemaTooNew, match=f"schema 99.* up to {NEWEST}"):
        open_database(database_url)
    assert rows_of(engine) == unversioned
    with engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT DISTINCT of_the_future FROM jobs").scalars()
        assert list(kept) == ["kept"]
    assert version(engine) == "99"


@pytest.mark.usefixtures("unversioned")
def test_work_that_waits_or_ran_belongs_to_no_version_afterwards(
    engine: sa.Engine, database_url: str
) -> None:
    schema = "dbos." if engine.dialect.name == "postgresql" else ""
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO {schema}queues (queue_id, name, application_name) "
            "VALUES ('q', 'segment', 'rotograph')"
        )
        for state in ("ENQUEUED", "PENDING", "SUCCESS"):
            connection.exec_driver_sql(
                f"INSERT INTO {schema}workflow_status "
                "(workflow_uuid, status, queue_name, application_name, application_version) "
                f"VALUES ('{state}', '{state}', 'segment', 'rotograph', '2')"
            )
    open_database(database_url).dispose()
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT workflow_uuid, status, application_name, application_version "
            f"FROM {schema}workflow_status ORDER BY workflow_uuid"
        ).all()
        owners = connection.exec_driver_sql(f"SELECT application_name FROM {schema}queues")
        assert list(owners.scalars()) == [None]
    assert [tuple(row) for row in found] == [
        ("ENQUEUED", "ENQUEUED", None, None),
        ("PENDING", "ENQUEUED", None, None),
        ("SUCCESS", "SUCCESS", "rotograph", "2"),
    ]
