"""What suspicion has set aside, as the people see it who sort it: without contact data until they ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from worker.errors import NotFound
from worker.storage import alerts, submissions
from worker.storage.submissions import QUARANTINED
from worker.usecases.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """One submission; `is_urgent` when nobody has said yet that they have it."""

    row: Mapping[str, Any]
    is_urgent: bool

    @property
    def is_waiting(self) -> bool:
        """True until someone has released or dismissed it."""
        return bool(self.row["status"] == QUARANTINED)


def read_quarantine(services: Services, limit: int) -> tuple[list[Mapping[str, Any]], int]:
    """What waits, whoever may be in danger first, and how many there are in all."""
    with services.database.read() as connection:
        return submissions.quarantined(connection, limit), submissions.count_quarantined(connection)


def read_suspect(services: Services, submission_id: str) -> Suspect:
    """One of them, also after it was sorted. Raises NotFound, also for a submission that nothing was suspected of."""
    with services.database.read() as connection:
        row = submissions.by_id(connection, submission_id)
        if row is None or not row["suspicions"]:
            raise NotFound("no submission of this id was ever in quarantine")
        return Suspect(row=row, is_urgent=alerts.is_urgent(connection, alerts.urgent_ids(submission_id)))
