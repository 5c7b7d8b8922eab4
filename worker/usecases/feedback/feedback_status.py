"""What came back lately, for the status: from counts, so that it costs the same however much ever came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from worker.domain.feedback import EventKind
from worker.storage import delivery_events
from worker.storage.database import real_now

_STILL_ASKED, _PATIENCE = timedelta(minutes=10), timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """How often each kind came from each source, and how long ago anything did (real time, seconds)."""

    counts: dict[str, dict[str, int]]
    last_age_s: float | None
    mailboxes_silent: int

    @property
    def events(self) -> dict[str, int]:
        """Events by kind, from all sources."""
        return {kind.value: sum(of.get(kind, 0) for of in self.counts.values()) for kind in EventKind}

    @property
    def refused(self) -> int:
        """Posts that no provider had signed."""
        return sum(of.get(delivery_events.REFUSED, 0) for of in self.counts.values())

    def to_json(self) -> dict[str, Any]:
        """As the status shows it."""
        return {"counts": self.counts, "last_event_age_s": self.last_age_s}


def read_feedback(connection: Connection) -> Feedback:
    """Read the counts."""
    rows = delivery_events.counts(connection)
    now = real_now(connection)
    counts: dict[str, dict[str, int]] = {}
    last: dict[str, dict[str, datetime]] = {}
    for row in rows:
        counts.setdefault(row["source"], {})[row["kind"]] = row["count"]
        last.setdefault(row["source"], {})[row["kind"]] = row["last_at"]
    events = [row["last_at"] for row in rows if row["kind"] in set(EventKind)]
    return Feedback(
        counts=counts,
        last_age_s=max(0.0, (now - max(events)).total_seconds()) if events else None,
        mailboxes_silent=sum(_is_silent(of, now) for of in last.values()),
    )


def _is_silent(last: Mapping[str, datetime], now: datetime) -> bool:
    """True for a mailbox that fails now, and was not read for long, or never. One no longer asked does not fail."""
    failed, read = last.get(delivery_events.UNREACHABLE), last.get(delivery_events.POLLED)
    if failed is None or now - failed > _STILL_ASKED:
        return False
    return read is None or now - read > _PATIENCE
