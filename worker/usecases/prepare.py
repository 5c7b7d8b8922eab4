"""Make a database ready to work: its tables, its one installation row, and something to send."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from worker.errors import ConfigurationError, SealError
from worker.storage import installation, migrate
from worker.storage.database import Database
from worker.storage.sealing import KeyRing
from worker.usecases.clock import run_clock
from worker.usecases.content.publish import publish


def prepare(
    database: Database,
    ring: KeyRing,
    clock_speed: float,
    shipped: Mapping[str, str] | None,
) -> None:
    """Safe at every start. `shipped` is published when nothing is yet (never in production, where it is None). Never
    again: what stands in the files by then may be a draft, or what somebody took back."""
    migrate.upgrade(database)
    with database.write() as connection:
        installation.create(connection, ring, clock_speed)
        _check_lookup_key(connection, ring)
        run_clock(connection, clock_speed)
        needs_content = installation.active_snapshot(connection) is None
    if shipped is not None and needs_content:
        publish(database, shipped, "first start", "the content as shipped", even_if_overdue=True)


def _check_lookup_key(connection: Connection, ring: KeyRing) -> None:
    """Without it nobody is found by address, and no link in an email works: better said before anything starts."""
    try:
        installation.lookup_key(connection, ring)
    except SealError as error:
        raise ConfigurationError(
            "NRT-E013", f"the key ring does not open this database ({error})", "put the lost key into the ring again"
        ) from None
