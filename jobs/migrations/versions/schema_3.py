"""Schema 3: a job is pinned to the runtime that computes it; what was queued is open to all."""

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"


def upgrade() -> None:
    """Add the runtime to jobs and workers, and give free what waits and what ran."""
    op.add_column("jobs", sa.Column("runtime", sa.Text))
    op.add_column("workers", sa.Column("runtime", sa.Text))
    schema = "dbos." if op.get_bind().dialect.name == "postgresql" else ""
    op.execute(f"UPDATE {schema}queues SET application_name = NULL WHERE name = 'segment'")
    op.execute(
        f"UPDATE {schema}workflow_status SET application_name = NULL, application_version = NULL, "
        "status = 'ENQUEUED', owner_xid = NULL, started_at_epoch_ms = NULL "
        "WHERE queue_name = 'segment' AND status IN ('ENQUEUED', 'PENDING')"
    )
