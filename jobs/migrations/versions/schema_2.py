"""Schema 2: a version from which on older code refuses; the one before it knew none.

That code drops the columns that it doesn't know, in the order of the tables' names. It can't do so
in a view, and so fails at the first one, before anything is lost.
"""

from alembic import op

revision = "2"
down_revision = "1"


def upgrade() -> None:
    """Put a view in the place of the first table."""
    op.rename_table("api_keys", "keys")
    op.execute("CREATE VIEW api_keys AS SELECT *, 2 AS needs_a_newer_version FROM keys")
