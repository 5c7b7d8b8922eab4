"""How many people wait at each step of a sequence, for whoever edits it. Counts only; nobody is named."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.exc import SQLAlchemyError

from worker.storage import planned_sends
from worker.storage.database import Database


class WaitingPeople:
    """Counts in a product's database; none while it can't be asked, since a look must never stop the writing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def waiting(self, sequence: str) -> Mapping[str, int]:
        """Per step, how many people have it as their next."""
        try:
            with self._database.read() as connection:
                return planned_sends.waiting_by_step(connection, sequence)
        except SQLAlchemyError:
            return {}
