"""Lists of leads, newest first, page by page: each page costs the same, however many leads there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Connection, select, tuple_

from worker.domain.ids import is_id
from worker.storage.tables import leads

FILTERS = ("location", "condition", "sequence", "status")
"""The columns by which a list may be narrowed."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The last lead of a page: the next page begins after it."""

    created_at: datetime
    lead_id: str

    def __str__(self) -> str:
        return f"{self.created_at.isoformat()}~{self.lead_id}"

    @classmethod
    def read(cls, text: str) -> Self | None:
        """What `str` wrote; None for anything else."""
        at, _, lead_id = text.partition("~")
        try:
            created_at = datetime.fromisoformat(at)
        except ValueError:
            return None
        return cls(created_at, lead_id) if is_id(lead_id) and created_at.tzinfo else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadPage:
    """Some leads, and the mark after which older ones begin, if there are any."""

    leads: Sequence[Mapping[str, Any]]
    older: Mark | None


def read_page(connection: Connection, wanted: Mapping[str, str], after: Mark | None, limit: int) -> LeadPage:
    """The newest leads whose columns have these values, or those older than a mark."""
    query = select(leads).order_by(leads.c.created_at.desc(), leads.c.id.desc()).limit(limit + 1)
    for name, value in wanted.items():
        query = query.where(leads.c[name] == value)
    if after is not None:
        query = query.where(tuple_(leads.c.created_at, leads.c.id) < (after.created_at, after.lead_id))
    rows = [dict(row._mapping) for row in connection.execute(query)]
    last = rows[limit - 1] if len(rows) > limit else None
    return LeadPage(leads=rows[:limit], older=Mark(last["created_at"], last["id"]) if last else None)
