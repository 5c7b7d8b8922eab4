"""Leads in words: their state, their wait for an answer, what is suspected of a form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from worker.console import words
from worker.console.studio.words import CONDITIONS, EVIDENCE, LOCATIONS, TREATMENTS
from worker.domain.leads import STAFF_HOLD
from worker.domain.reasons import because
from worker.domain.response import Response, Waiting
from worker.domain.safety import CrisisTier

__all__ = ["CONDITIONS", "EVIDENCE", "LOCATIONS", "TREATMENTS", "because"]

STATUS: Mapping[str, str] = MappingProxyType(
    {
        "new": "new",
        "booked": "consultation booked",
        "patient": "patient",
        "replied": "has replied",
        "stopped": "stopped by staff",
        "erasing": "being erased",
    }
)
EVENTS: Mapping[str, str] = MappingProxyType(
    {
        "contacted": "Someone called or wrote to them",
        "consultation_booked": "They booked a consultation",
        "became_patient": "They became a patient",
        "replied": "They replied",
        "staff_stop": "Staff stopped their emails",
    }
)
STATES: Mapping[str, str] = MappingProxyType(
    {
        "planned": "planned",
        "claimed": "on its way",
        "handed_over": "on its way",
        "sent": "sent",
        "unknown": "nobody knows whether it arrived",
        "failed": "refused for good",
        "skipped": "left out",
        "cancelled": "withdrawn",
        "held": "held",
        "will_go": "will go out",
        "will_be_left_out": "will be left out",
        "waits_for_a_person": "waits for a person",
    }
)
"""What became of an email, or what will."""

TONES: Mapping[str, str] = MappingProxyType(
    {"sent": "good", "unknown": "bad", "failed": "bad", "held": "warn", "waits_for_a_person": "warn"}
)
FEEDBACK: Mapping[str, str] = MappingProxyType(
    {
        "delivered": "delivered to the mailbox",
        "deferred": "the provider is still trying",
        "soft_bounce": "could not be delivered this time",
        "hard_bounce": "the mailbox does not exist or takes no mail",
        "our_fault": "refused for a fault of ours",
        "complained": "reported as spam",
        "unsubscribed": "unsubscribed",
        "replied": "answered by the person",
        "auto_reply": "answered by a program, such as an absence note",
    }
)
SUSPICIONS: Mapping[str, str] = MappingProxyType(
    {
        "hook.signature": "the form's vendor did not sign it as agreed",
        "hook.too_old": "the form's vendor signed it more than five minutes before it came",
        "hook.unchecked": "it came by a webhook whose token could not be looked up just then",
        "honeypot": "a field that people can't see was filled in, as programs do",
        "token.forged": "the form's own mark was not made by us",
        "token.too_quick": "it was sent faster than a person can type",
        "address.repeated": "this address came up again and again in a short time",
        "rate.network": "too much came from one network in a short time",
        "rate.form": "too much came through this form in a short time",
        "captcha.failed": "the check against programs failed",
        "captcha.unreachable": "the check against programs could not be asked",
    }
)
FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "imported": "brought in from a table; they did not write just now",
        "phone.odd": "the phone number looks odd; it is kept as it was typed",
        "consent.unclear": "the answer to the question of consent means neither yes nor no, so it is no consent",
        "field.set_aside": "an answer could not be used as it was typed; it is kept beside the others",
    }
)
_WAITING: Mapping[Waiting, tuple[str, str]] = MappingProxyType(
    {
        Waiting.IN_TIME: ("in time", "good"),
        Waiting.LATE: ("late", "warn"),
        Waiting.ESCALATED: ("escalated", "bad"),
    }
)


def hold(lead: Mapping[str, Any]) -> str:
    """Why a lead is held; empty where it is not."""
    match lead["hold_reason"]:
        case None:
            return ""
        case reason if reason == STAFF_HOLD:
            return "held by staff"
        case reason if reason == f"crisis_{CrisisTier.ACUTE}":
            return "may be in danger now"
        case reason if reason == f"crisis_{CrisisTier.REVIEW}":
            return "may be in danger: someone must look"
    return str(words.label(lead["hold_reason"]))


def about(lead: Mapping[str, Any]) -> str:
    """What a lead asked about, in a few words."""
    condition = CONDITIONS.get(lead["condition"], lead["condition"])
    treatment = TREATMENTS.get(lead["treatment"]) if lead["treatment"] else None
    return f"{condition}, {treatment}" if treatment else str(condition)


def suspicions(codes: Sequence[str]) -> str:
    """What is suspected, in words; a code that is new here as it is."""
    return "; ".join(SUSPICIONS.get(code, words.label(code)) for code in codes)


def standing(response: Response) -> tuple[str, str]:
    """How a waiting person stands, and the tone in which it is shown."""
    text, tone = _WAITING[response.waiting]
    return text, tone


def clock(response: Response, zone: str, now: datetime) -> str:
    """`answer by 14:30`, `answer by Mon 9:30`, `waits for 1 h 5 min`: in the front desk's working time."""
    if response.waiting is not Waiting.IN_TIME:
        return f"waits for {_length(response.worked)} of working time"
    there, today = response.answer_by.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone)).date()
    day = "" if there.date() == today else f"{there:%a} {there.day} {there:%b}, "
    return f"answer by {day}{there.hour}:{there:%M}"


def _length(worked: timedelta) -> str:
    hours, minutes = divmod(int(worked.total_seconds() // 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
