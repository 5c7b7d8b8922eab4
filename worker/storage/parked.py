"""Parked items: what could not be handled, kept with its reason until a person decides (I8)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, func, insert, select, update

from worker.domain.ids import new_id
from worker.storage.tables import parked

OPEN = "open"


class ParkedKind(StrEnum):
    """What an item is."""

    SUBMISSION = "submission"


def park_submission(connection: Connection, submission_id: str, sealed: str, code: str, at: datetime) -> bool:
    """Keep a submission that can't be captured; False where it is parked already (its count grows)."""
    same = (parked.c.submission_id == submission_id) & (parked.c.code == code) & (parked.c.state == OPEN)
    seen = connection.execute(update(parked).where(same).values(count=parked.c.count + 1, last_at=at)).rowcount
    if seen:
        return False
    connection.execute(
        insert(parked).values(
            id=new_id(),
            kind=ParkedKind.SUBMISSION,
            submission_id=submission_id,
            code=code,
            sealed=sealed,
            first_at=at,
            last_at=at,
            state=OPEN,
        )
    )
    return True


def count_open(connection: Connection) -> int:
    """How many items wait for a person."""
    return connection.execute(select(func.count()).select_from(parked).where(parked.c.state == OPEN)).scalar_one()
