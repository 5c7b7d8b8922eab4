"""Mark what the provider has just taken as sent, and plan what follows, without asking the database anything again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from worker.delivery.base import Receipt
from worker.faults import fault
from worker.storage.installation import Moment
from worker.storage.marks import Mark, Marks
from worker.storage.timeline import Entry, Happened
from worker.usecases.nurture.enroll import completion, following
from worker.usecases.sending.pass_gate import Batch
from worker.usecases.sending.record_outcome import named, record_outcome
from worker.usecases.services import Services


@dataclass(slots=True, kw_only=True)
class Marker:
    """Marks a group that passed the gate at `moment`."""

    batch: Batch
    moment: Moment
    marks: Marks
    passed_at: float = field(default_factory=time.monotonic)

    def begin(self, send: Mapping[str, Any], receipt: Receipt) -> None:
        """Begin to mark one."""
        known = self.batch.known[send["id"]]
        at = self.moment.after(time.monotonic() - self.passed_at)
        next_send = ending = None
        if known.enrollment is not None:
            clinic = self.batch.renderer.catalog.clinic
            next_send = following(known.enrollment, send, known.emails_sent, clinic, at)
            ending = completion(send["lead_id"], at) if next_send is None else None
        self.marks.add(
            Mark(
                send=send,
                sent_at=at,
                provider=receipt.provider,
                provider_message_id=receipt.provider_message_id,
                entry=Entry(kind=Happened.SENT, at=at, lead_id=send["lead_id"], detail=named(send)),
                following=next_send,
                ending=ending,
            )
        )


def finish_marks(services: Services, marks: Marks) -> None:
    """Once all were written or not: those that were not take the longer way, which tells others, too."""
    for _ in range(marks.done):
        fault("outcome_committed")
    for mark in marks.undone:
        receipt = Receipt(provider=mark.provider, provider_message_id=mark.provider_message_id)
        record_outcome(services, mark.send, receipt)
