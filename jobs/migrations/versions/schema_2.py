"""Schema 2: a view that makes older code fail, at the first column it would have dropped."""

from alembic import op

revision = "2"
down_revision = "1"


def upgrade() -> None:
    op.rename_table("api_keys", "keys")
    op.execute("CREATE VIEW api_keys AS SELECT *, 2 AS needs_a_newer_version FROM keys")
