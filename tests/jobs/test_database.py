"""The database: made by whoever comes first, and brought up to date where it is older."""

from pathlib import Path

import sqlalchemy as sa

from jobs.database import JOBS, WORKERS, embedded_url, open_database


def test_journal_of_sqlite_is_write_ahead(tmp_path: Path) -> None:
    engine = open_database(embedded_url(tmp_path))
    with engine.connect() as connection:
        assert connection.execute(sa.text("PRAGMA journal_mode")).scalar_one() == "wal"
    engine.dispose()


def test_a_database_of_an_older_version_gets_what_is_new(database_url: str) -> None:
    engine = open_database(database_url)
    with engine.begin() as connection:
        connection.execute(
            WORKERS.insert().values(
                id="w", device="cpu", provider="P", model="m", model_version="1", seen_at=1.0
            )
        )
        connection.exec_driver_sql("ALTER TABLE workers DROP COLUMN sandbox_lacks")
    engine.dispose()

    engine = open_database(database_url)
    with engine.connect() as connection:
        (row,) = connection.execute(sa.select(WORKERS)).mappings()
        assert (row["id"], row["sandbox_lacks"]) == ("w", None)
        there = {column["name"] for column in sa.inspect(connection).get_columns("jobs")}
        assert there == {column.name for column in JOBS.columns}
    engine.dispose()
