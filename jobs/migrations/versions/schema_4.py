"""Schema 4: lines of a segment can be read before it is finished."""

import sqlalchemy as sa
from alembic import op

revision = "4"
down_revision = "3"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("early", sa.Integer))
