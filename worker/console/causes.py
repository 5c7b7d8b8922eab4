"""Why items are parked, in words, and what to do: what operators read before they retry or dismiss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Remedy:
    """What is wrong, and what mends it."""

    cause: str
    mend: str


_NOT_OURS = Remedy("It is no message of ours: something else writes to this Redis.", "Find out what; then dismiss.")

REMEDIES: Mapping[str, Remedy] = MappingProxyType(
    {
        "UnknownSealKey": Remedy(
            "Sealed with a key that the key ring does not hold any more.",
            "Put that key back into NURTURE_SECRET_KEYS, restart, then retry.",
        ),
        "BrokenSeal": Remedy("Damaged, or not sealed by us.", "Look at the disk it came from; then dismiss."),
        "idempotency_conflict": Remedy(
            "One idempotency key was used for two different forms. The first is stored.",
            "Tell whoever keeps that form; then dismiss.",
        ),
        "map_unreadable": Remedy("A form's webhook is neither JSON nor a form.", "Ask its vendor, then dismiss."),
        "map_unknown_shape": Remedy(
            "A form's webhook is not what its vendor sends.", "Look at the last word of its address; else retry later."
        ),
        "map_no_form": Remedy("A form's webhook tells of something else.", "Dismiss."),
        "map_form_gone": Remedy("The form is not registered any more.", "Put it back, publish, then retry."),
        "map_contact_missing": Remedy(
            "No answer of the form is known to be an email address or a phone number.",
            "Name the question under its form in forms.toml, publish, then retry.",
        ),
        **dict.fromkeys(
            ("map_email_syntax", "map_email_not_ascii", "map_phone_too_short", "map_text_too_long"),
            Remedy(
                "The form's only way to answer someone is of no use as typed.",
                "If the wrong question is mapped, mend forms.toml, publish, then retry; else dismiss.",
            ),
        ),
        "unknown_task": Remedy("A message of another release.", "Retry when that release runs; else dismiss."),
        "invalid_task": Remedy("A message of another release.", "Retry when that release runs; else dismiss."),
        "bad_arguments": Remedy("A message of another release, or a forged one.", "Retry once; else dismiss."),
        "booking_no_lead": Remedy(
            "An event was told of somebody who has not written to us, or not yet.",
            "Nothing is to be done: it is looked at again by itself, and let go after three days.",
        ),
        **dict.fromkeys(
            (
                "not_json", "not_utf8", "not_a_message", "no_properties", "no_headers", "no_body", "no_delivery_tag",
                "unknown_message", "undecodable", "not_ours",
            ),
            _NOT_OURS,
        ),
    }
)  # fmt: skip

_OF_KIND = MappingProxyType(
    {
        "feedback": Remedy(
            "A mail provider has told something that this version can't read.",
            "Retry after the next update, or dismiss.",
        ),
        "booking": Remedy(
            "A calendar told of a booking, and it can't be read, or several people may be meant.",
            "See in the calendar who booked, note it on their page; then dismiss. Retry after the next update.",
        ),
        "event": Remedy(
            "A system that is told what happens did not take this, however often it was tried.",
            "See what is wrong with nurture webhooks list and nurture webhooks test; mend it, then retry.",
        ),
        "message": _NOT_OURS,
    }
)
_OUR_FAULT = Remedy("Our own code fails on it.", "Report it; retry after the update.")


def remedy(kind: str, code: str) -> Remedy:
    """What to read about a cause."""
    return REMEDIES.get(code) or _OF_KIND.get(kind, _OUR_FAULT)
