"""Bring a database to this version's tables, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from worker.storage.database import Database

_MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(database: Database) -> None:
    """Run what is missing. Safe to call at every start, and by several processes at once."""
    with database.engine.connect().execution_options(begin="IMMEDIATE") as connection, connection.begin():
        if not database.is_sqlite:
            connection.exec_driver_sql("select pg_advisory_xact_lock(7190001)")  # one at a time
        configuration = _configuration()
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "head")


def current_and_newest(database: Database) -> tuple[str | None, str | None]:
    """The revision that the database stands at, and the newest that this version knows."""
    with database.read() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return current, ScriptDirectory.from_config(_configuration()).get_current_head()


def _configuration() -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(_MIGRATIONS))
    configuration.set_main_option("path_separator", "os")
    return configuration
