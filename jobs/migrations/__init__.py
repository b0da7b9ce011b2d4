"""The version of the schema, by Alembic: older ones are brought up to date, newer ones refused."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from jobs.errors import SchemaTooNew


def upgrade(connection: sa.Connection) -> None:
    """Bring the tables up to date in the caller's transaction; raises SchemaTooNew."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    newest = scripts.get_current_head()
    found = MigrationContext.configure(connection).get_current_revision()
    if found == newest:
        return
    if found not in {None, *(script.revision for script in scripts.walk_revisions())}:
        raise SchemaTooNew(
            f"The database has schema {found}, of a newer version of the service; this one knows "
            f"schemas up to {newest}. Nothing was changed: start the newer version, or "
            "restore a backup that was made before it."
        )
    command.upgrade(config, "head")
