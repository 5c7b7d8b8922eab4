"""What may happen to a lead outside of email, and what it means for their emails and for the front desk."""

from __future__ import annotations

from enum import StrEnum

from worker.domain.sends import CancelReason


class LeadEvent(StrEnum):
    """What may happen. Each but `CONTACTED` ends the sequence."""

    CONTACTED = "contacted"
    CONSULTATION_BOOKED = "consultation_booked"
    BECAME_PATIENT = "became_patient"
    REPLIED = "replied"
    STAFF_STOP = "staff_stop"


EXIT_REASON: dict[LeadEvent, CancelReason] = {
    LeadEvent.CONSULTATION_BOOKED: CancelReason.BOOKED,
    LeadEvent.BECAME_PATIENT: CancelReason.PATIENT,
    LeadEvent.REPLIED: CancelReason.REPLIED,
    LeadEvent.STAFF_STOP: CancelReason.STAFF_STOP,
}
"""Why the sequence ends."""

STATUS_AFTER: dict[LeadEvent, str] = {
    LeadEvent.REPLIED: "replied",
    LeadEvent.STAFF_STOP: "stopped",
    LeadEvent.CONSULTATION_BOOKED: "booked",
    LeadEvent.BECAME_PATIENT: "patient",
}
"""The lead's status from then on, each weighing more than the one before; only a new lead is enrolled."""

ANSWERS = frozenset(
    {LeadEvent.CONTACTED, LeadEvent.CONSULTATION_BOOKED, LeadEvent.BECAME_PATIENT, LeadEvent.STAFF_STOP}
)
"""Events that show that someone at the clinic has answered."""


def status_after(status: str, event: LeadEvent) -> str:
    """The status after an event. News come late and in any order: a patient who replies stays a patient."""
    order = list(STATUS_AFTER.values())
    after = STATUS_AFTER.get(event, status)
    return status if status in order and order.index(status) > order.index(after) else after
