"""Move the product clock, for demonstrations and tests; production runs at speed 1 and never jumps."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from worker.storage import installation
from worker.storage.database import Database, real_now


def run_clock(connection: Connection, speed: float) -> None:
    """Let the clock run on at this speed; 0 freezes it."""
    clock = installation.clock(connection)
    if clock.speed != speed:
        installation.set_clock(connection, clock.at_speed(real_now(connection), speed))


def jump_clock(database: Database, to: datetime) -> None:
    """Let the clock show `to`, unless it shows a later instant already."""
    with database.write() as connection:
        clock = installation.clock(connection)
        installation.set_clock(connection, clock.jumped(real_now(connection), to))
