"""How the database was opened before its schema had a version; it drops what it doesn't know."""

import sqlalchemy as sa
from dbos import DBOS
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from jobs.migrations.versions.schema_1 import METADATA


def open_unversioned(url: str, engine: sa.Engine) -> None:
    DBOS.migrate(url)
    with engine.begin() as connection:
        for table in METADATA.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
            _update_columns(connection, table)
            for index in table.indexes:
                connection.execute(CreateIndex(index, if_not_exists=True))


def _update_columns(connection: sa.Connection, table: sa.Table) -> None:
    there = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
    for column in table.columns:
        if column.name not in there:
            described = CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {described}")
    for name in there - set(table.columns.keys()):
        connection.exec_driver_sql(f"ALTER TABLE {table.name} DROP COLUMN {name}")
