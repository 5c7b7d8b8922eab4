"""Why an email is skipped, held, moved or withdrawn, and why someone gets none, in words that finish "because …"."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "no_email_address": "there is no email address",
        "suppressed": "this person is not to be mailed",
        "no_consent": "they have not agreed to emails",
        "not_for_location": "the email is not written for this location",
        "not_for_condition": "the email is not written for this condition",
        "service_not_offered": "the email speaks of a service that is not offered there",
        "too_late": "it would have come too late",
        "already_sent": "they have had it before",
        "enrollment_ended": "their sequence has ended",
        "lead_held": "a person must look at this lead first",
        "paused": "sending is paused",
        "review_overdue": "its review date has passed: nobody gets it until someone has reviewed it",
        "content_missing": "the email is not there",
        "content_broken": "the email has a fault and can't be shown",
        "outside_window": "outside the hours in which email goes out",
        "late": "late: moved to the next day",
        "min_gap": "too soon after the email before",
    }
)
"""Why the ladder skips, holds or moves a send."""

MORE_REASONS: Mapping[str, str] = MappingProxyType(
    {
        **REASONS,
        "identity_sealed": "the key that opens their address is missing",
        "on_request": "a member of staff asked for it",
        "unsubscribed": "they unsubscribed",
        "rerouted": "they were moved to another sequence",
        "staff_stop": "staff stopped their emails",
        "consultation_booked": "they booked a consultation",
        "became_patient": "they became a patient",
        "replied": "they replied, so a person answers",
        "complained": "they reported an email as spam",
        "hard_bounce": "their mailbox does not exist or takes no mail",
        "erased": "they asked to be erased",
        "completed": "they have had every email of their sequence",
        "out_of_area": "they live outside the area that the clinics serve; a person answers",
        "already_enrolled": "they are in a sequence already",
        "lead_is_booked": "they have booked a consultation",
        "lead_is_patient": "they are a patient already",
        "lead_is_replied": "they replied, so a person answers",
        "lead_is_stopped": "staff stopped their emails",
        "lead_is_erasing": "they are being erased",
        "staff": "staff put them on the list of people not to be mailed",
        "ended": "its day has come",
    }
)
"""Those, and why a sequence ends or never begins."""


def because(code: str | None) -> str:
    """A reason in words; its own code where there are no words for it yet."""
    return MORE_REASONS.get(code or "", (code or "").replace("_", " "))


def paused_by(pause: Mapping[str, Any]) -> str:
    """`sending for Albany is paused by jordan (phones are down)`: what is, whom to ask, and why it is."""
    what = {
        "location": f"sending for {str(pause['value']).title()}",
        "sequence": f"the sequence {str(pause['value']).replace('-', ' ')}",
    }.get(pause["scope"], "all sending")
    return f"{what} is paused by {pause['by']} ({pause['reason']})"
