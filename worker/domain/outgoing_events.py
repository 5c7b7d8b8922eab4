"""What other systems are told, and how much: ids and codes, and more only by a recorded agreement (I6).

A fact is what happened, as codes and ids. A body is that fact as one endpoint is told it; it is made when it is
sent, so that nothing about a person lies in the outbox, and of who has been erased nothing is told but that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from worker.domain.consent import SuppressionReason
from worker.domain.events import LeadEvent
from worker.domain.happened import Happened


class EventType(StrEnum):
    """What is told of leads. Staff alerts are told as `alert.` and their kind."""

    LEAD_CREATED = "lead.created"
    LEAD_ROUTED = "lead.routed"
    LEAD_UNSUBSCRIBED = "lead.unsubscribed"
    EMAIL_SENT = "email.sent"
    CONSULTATION_BOOKED = "consultation.booked"
    LEAD_ERASED = "lead.erased"


MEANS: Mapping[str, str] = {
    EventType.LEAD_CREATED: "Someone wrote for the first time",
    EventType.LEAD_ROUTED: "Their location or sequence was decided, or changed",
    EventType.LEAD_UNSUBSCRIBED: "They ended our emails, or reported one as spam",
    EventType.EMAIL_SENT: "The mail provider took an email to them",
    EventType.CONSULTATION_BOOKED: "They booked a consultation",
    EventType.LEAD_ERASED: "They were erased here: erase what you hold about them",
}
"""Each in words."""

ALERT = "alert."
TEST = "webhook.test"
"""What an endpoint is told to see whether it listens."""


class Tell(StrEnum):
    """What an endpoint may be told beside ids, each by an agreement.

    `CONTACT`: name, address, number. `CONDITION`: what they asked about, and what shows it: sequence, email and step.
    """

    CONTACT = "contact"
    CONDITION = "condition"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing to tell. `detail` holds ids and codes."""

    type: str
    at: datetime
    lead_id: str | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """How a person is reached."""

    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None


def fact_of(kind: Happened, detail: Mapping[str, Any], lead_id: str | None, at: datetime) -> Fact | None:
    """What is told of an entry of the timeline, if anything."""
    told = _type_of(kind, detail)
    if told is None or lead_id is None:
        return None
    return Fact(type=told, at=at, lead_id=lead_id, detail=_kept(told, detail))


def _kept(told: EventType, detail: Mapping[str, Any]) -> Mapping[str, Any]:
    """Which codes go along; the words that staff typed as a reason never do."""
    if told is EventType.EMAIL_SENT:
        return {name: detail[name] for name in ("send_id", "email", "step") if detail.get(name) is not None}
    if told is EventType.LEAD_UNSUBSCRIBED:
        return {"reason": detail.get("reason", SuppressionReason.UNSUBSCRIBED)}
    return {}


def _type_of(kind: Happened, detail: Mapping[str, Any]) -> EventType | None:
    match kind:
        case Happened.RECEIVED if detail.get("is_first"):
            return EventType.LEAD_CREATED
        case Happened.ROUTED if not detail.get("kept"):
            return EventType.LEAD_ROUTED
        case Happened.SENT:
            return EventType.EMAIL_SENT
        case Happened.RESOLVED if detail.get("found") == "sent":
            return EventType.EMAIL_SENT
        case Happened.UNSUBSCRIBED:
            return EventType.LEAD_UNSUBSCRIBED
        case Happened.SUPPRESSED if detail.get("reason") == SuppressionReason.COMPLAINED:
            return EventType.LEAD_UNSUBSCRIBED
        case Happened.EVENT if detail.get("event") == LeadEvent.CONSULTATION_BOOKED:
            return EventType.CONSULTATION_BOOKED
    return None


def alert_fact(kind: str, alert: str, lead_id: str | None, at: datetime) -> Fact:
    """What is told of a staff alert."""
    return Fact(type=f"{ALERT}{kind}", at=at, lead_id=lead_id, detail={"alert_id": alert})


def wants(patterns: Sequence[str], event: str) -> bool:
    """True when an endpoint that asked for these wants to be told of this: `lead.created`, `alert.*`, `*`."""
    return any(fnmatchcase(event, pattern) for pattern in patterns)


def body(fact: Fact, lead: Mapping[str, Any] | None, contact: Contact, tells: Collection[Tell]) -> dict[str, Any]:
    """A fact as one endpoint is told it, in the form that Standard Webhooks asks for.

    An alert is told by ids alone, whatever was agreed: `alert.crisis` beside a name says how someone is.
    """
    data: dict[str, Any] = {"lead_id": fact.lead_id}
    if lead is not None:
        data |= {"reference": lead["reference"], "location": lead["location"], "is_test": lead["is_test"]}
    is_about_health = Tell.CONDITION in tells and not fact.type.startswith(ALERT)
    data |= {name: value for name, value in fact.detail.items() if name not in _OF_HEALTH or is_about_health}
    if lead is not None and not fact.type.startswith(ALERT):
        if Tell.CONTACT in tells:
            data["contact"] = {name: getattr(contact, name) for name in Contact.__slots__}
        if Tell.CONDITION in tells:
            data |= {name: lead[name] for name in ("condition", "conditions", "treatment", "sequence")}
    return {"type": fact.type, "timestamp": fact.at.astimezone(UTC).isoformat().replace("+00:00", "Z"), "data": data}


_OF_HEALTH = {"email", "step"}
"""The name of an email says what it is about."""
