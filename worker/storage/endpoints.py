"""Endpoints: the systems that are told what happens. Their addresses and secrets are sealed; removed ones stay listed.

A removed one is kept as a row, so that whoever is noting a fact for it in this very moment can.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, insert, or_, select, update

from worker.domain.ids import is_id
from worker.storage.sealing import KeyRing
from worker.storage.tables import endpoints

_FAILING = 4
"""By then it has been failing for more than a minute."""


class EndpointKind(StrEnum):
    """How it is told: by a signed webhook, or in the words of a CRM."""

    WEBHOOK = "webhook"
    HUBSPOT = "hubspot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where an endpoint is, and the secrets that sign or open; the old one signs beside the new one for a while."""

    url: str
    secret: str
    old_secret: str | None = None
    old_until: str | None = None

    def __repr__(self) -> str:
        return "Access(…)"


def place(endpoint_id: str) -> str:
    """Where an endpoint's access opens."""
    return f"endpoints/{endpoint_id}"


def seal_access(endpoint_id: str, access: Access, ring: KeyRing) -> str:
    """The access as it is stored."""
    return ring.seal(json.dumps(asdict(access)).encode(), place(endpoint_id))


def open_access(endpoint: Mapping[str, Any], ring: KeyRing) -> Access:
    """The access of a stored endpoint that was not removed. Raises SealError."""
    return Access(**json.loads(ring.open(endpoint["sealed"], place(endpoint["id"]))))


def add(connection: Connection, values: Mapping[str, Any]) -> None:
    """Store a new one."""
    connection.execute(insert(endpoints).values(**values))


def listed(connection: Connection) -> list[Mapping[str, Any]]:
    """Every one that was not removed, the oldest first."""
    rows = connection.execute(
        select(endpoints).where(endpoints.c.removed_at.is_(None)).order_by(endpoints.c.created_at, endpoints.c.id)
    )
    return [dict(row._mapping) for row in rows]


def by_id(connection: Connection, endpoint_id: str) -> Mapping[str, Any] | None:
    """One that was not removed."""
    if not is_id(endpoint_id):
        return None
    known = select(endpoints).where(endpoints.c.id == endpoint_id, endpoints.c.removed_at.is_(None))
    row = connection.execute(known).first()
    return dict(row._mapping) if row else None


_IS_TOLD = and_(endpoints.c.removed_at.is_(None), endpoints.c.stopped_at.is_(None))


def subscriptions(connection: Connection) -> Sequence[tuple[str, list[str]]]:
    """Who is told, and of what."""
    told = select(endpoints.c.id, endpoints.c.events).where(_IS_TOLD)
    return [(row.id, row.events) for row in connection.execute(told)]


def somebody_is_told() -> ColumnElement[bool]:
    """The condition that there is anyone to tell of what happens."""
    return exists().where(_IS_TOLD)


def count_failing(connection: Connection) -> int:
    """How many have ended by their own word, or failed several times in a row and are not paused."""
    fails = or_(
        endpoints.c.stopped_at.is_not(None), and_(endpoints.c.failures >= _FAILING, endpoints.c.paused_at.is_(None))
    )
    return connection.execute(select(func.count()).where(endpoints.c.removed_at.is_(None), fails)).scalar_one()


def count_paused(connection: Connection) -> int:
    """How many staff have paused."""
    paused = endpoints.c.removed_at.is_(None), endpoints.c.paused_at.is_not(None)
    return connection.execute(select(func.count()).where(*paused)).scalar_one()


def change(connection: Connection, endpoint_id: str, **values: Any) -> bool:
    """Set columns; False where it was removed."""
    there = update(endpoints).where(endpoints.c.id == endpoint_id, endpoints.c.removed_at.is_(None))
    return connection.execute(there.values(**values)).rowcount == 1


def note_taken(connection: Connection, endpoint_id: str, real_now: datetime) -> None:
    """It listens."""
    change(connection, endpoint_id, failures=0, not_before=None, last_code=None, last_told_at=real_now)


def note_away(connection: Connection, endpoint_id: str, code: str, until: datetime) -> None:
    """It takes nothing just now."""
    change(connection, endpoint_id, failures=endpoints.c.failures + 1, not_before=until, last_code=code)
