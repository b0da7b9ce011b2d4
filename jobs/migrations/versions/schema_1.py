"""Schema 1: the tables before they had a version; older databases may lack some columns."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import CreateColumn

revision = "1"
down_revision = None

METADATA = sa.MetaData()

sa.Table(
    "jobs",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("request", sa.JSON, nullable=False),
    sa.Column("video", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("started_at", sa.Double),
    sa.Column("finished_at", sa.Double),
    sa.Column("frames_done", sa.Integer, nullable=False),
    sa.Column("frames_total", sa.Integer, nullable=False),
    sa.Column("segments", sa.Integer),
    sa.Column("linked", sa.Integer),
    sa.Column("turn", sa.Integer),
    sa.Column("rank", sa.Integer),
    sa.Column("model", sa.JSON),
    sa.Column("failure_kind", sa.Text),
    sa.Column("failure_message", sa.Text),
    sa.Column("owner", sa.Text),
    sa.Column("idempotency_key", sa.Text),
    sa.Column("fingerprint", sa.Text),
    sa.Column("digest", sa.Text),
    sa.Column("copied_from", sa.Text),
    sa.Column("request_id", sa.Text),
    sa.Column("traceparent", sa.Text),
    sa.Index("jobs_by_idempotency_key", "idempotency_key", unique=True),
    sa.Index("jobs_by_digest", "digest"),
    sa.Index("jobs_by_state", "state", "number"),
    sa.Index("jobs_by_owner", "owner", "number"),
    sqlite_autoincrement=True,
)
sa.Table(
    "segments",
    METADATA,
    sa.Column("job_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("turn", sa.Integer),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("frames_done", sa.Integer, nullable=False),
)
sa.Table(
    "workers",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("device", sa.Text, nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("model_version", sa.Text, nullable=False),
    sa.Column("seen_at", sa.Double, nullable=False),
    sa.Column("sandbox_lacks", sa.JSON),
    sa.Column("card", sa.JSON),
)
sa.Table(
    "callbacks",
    METADATA,
    sa.Column("job_id", sa.Text, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("due_at", sa.Double, index=True),
)
sa.Table(
    "api_keys",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("secret_hash", sa.Text, nullable=False),
    sa.Column("max_jobs", sa.Integer),
    sa.Column("requests_per_minute", sa.Integer),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("revoked_at", sa.Double),
)


def upgrade() -> None:
    connection = op.get_bind()
    older = sa.inspect(connection).get_table_names()
    METADATA.create_all(connection)
    for table in (table for table in METADATA.sorted_tables if table.name in older):
        there = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
        for column in (column for column in table.columns if column.name not in there):
            described = CreateColumn(column).compile(dialect=connection.dialect)
            op.execute(f"ALTER TABLE {table.name} ADD COLUMN {described}")
        for index in table.indexes:
            index.create(connection, checkfirst=True)
