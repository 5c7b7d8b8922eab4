"""Mark what the provider has just taken as sent, and plan what follows, without asking the database anything again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from worker.delivery.base import Receipt
from worker.faults import fault
from worker.storage.installation import Moment
from worker.storage.marks import Mark, mark_sent
from worker.storage.timeline import Entry, Happened
from worker.usecases.nurture.enroll import following
from worker.usecases.sending.pass_gate import Batch
from worker.usecases.sending.record_outcome import named


@dataclass(slots=True, kw_only=True)
class Marker:
    """Marks a group that passed the gate at `moment`, over a connection that does not wait for the disk."""

    batch: Batch
    moment: Moment
    connection: Connection
    passed_at: float = field(default_factory=time.monotonic)

    def mark(self, send: Mapping[str, Any], receipt: Receipt) -> bool:
        """Mark one; False where more than a mark is needed: the end of a sequence, or others who are told of it."""
        known = self.batch.known[send["id"]]
        at = self.moment.after(time.monotonic() - self.passed_at)
        next_send = None
        if known.enrollment is not None:
            clinic = self.batch.renderer.catalog.clinic
            next_send = following(known.enrollment, send, known.emails_sent, clinic, at)
            if next_send is None:
                return False
        mark = Mark(
            send=send,
            sent_at=at,
            provider=receipt.provider,
            provider_message_id=receipt.provider_message_id,
            entry=Entry(kind=Happened.SENT, at=at, lead_id=send["lead_id"], detail=named(send)),
            following=next_send,
        )
        is_marked = mark_sent(self.connection, mark)
        if is_marked:
            fault("outcome_committed")
        return is_marked
