"""The audit trail: what people did, read from the timeline. Nothing here, or anywhere but erasure, changes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Text, cast, or_, select

from worker.domain.ids import is_id
from worker.storage.tables import BY_PEOPLE, timeline
from worker.storage.timeline import SYSTEM


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to look for; what is empty does not narrow. `about` is an id: of a lead, a send, an account, a sign-in."""

    by: str = ""
    kind: str = ""
    about: str = ""
    since: datetime | None = None


def search(connection: Connection, wanted: Wanted, limit: int, skip: int = 0) -> list[Mapping[str, Any]]:
    """What people did, with what ended in their name by it, the latest first. Not what the product did by itself."""
    query = select(timeline).where(BY_PEOPLE, timeline.c.actor != SYSTEM)
    if wanted.by:
        query = query.where(timeline.c.actor == wanted.by)
    if wanted.kind:
        query = query.where(timeline.c.kind == wanted.kind)
    if wanted.since is not None:
        query = query.where(timeline.c.at >= wanted.since)
    if wanted.about:
        found = [timeline.c.via == wanted.about, cast(timeline.c.detail, Text).contains(wanted.about, autoescape=True)]
        if is_id(wanted.about):
            found.append(timeline.c.lead_id == wanted.about)
        query = query.where(or_(*found))
    rows = connection.execute(query.order_by(timeline.c.id.desc()).limit(limit).offset(skip))
    return [dict(row._mapping) for row in rows]


def kinds(connection: Connection) -> Sequence[str]:
    """Every kind of act that was ever done by someone."""
    return (
        connection.execute(
            select(timeline.c.kind).where(BY_PEOPLE, timeline.c.actor != SYSTEM).distinct().order_by(timeline.c.kind)
        )
        .scalars()
        .all()
    )
