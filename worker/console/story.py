"""A lead's timeline as plain sentences: what happened, who did it, why.

Words that staff typed may name a person, so they are told to those only who may see contact data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from worker.console import lead_words, words
from worker.console.names import Names
from worker.domain.leads import STAFF_HOLD, Location
from worker.domain.reasons import because
from worker.storage.timeline import Happened
from worker.usecases.desk.why import instant
from worker.usecases.nurture.hold_lead import ENDED

Detail = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One entry, told. `note` is what someone typed."""

    at: datetime
    what: str
    who: str
    detail: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """Tells entries in a lead's zone."""

    zone: str
    names: Names
    with_notes: bool

    def tell(self, entries: Sequence[Mapping[str, Any]]) -> list[Told]:
        """Each entry, the newest first."""
        return [self._told(entry) for entry in reversed(entries)]

    def _told(self, entry: Mapping[str, Any]) -> Told:
        kind, detail = entry["kind"], entry["detail"]
        what, more = _SENTENCES.get(kind, _plain)(self, kind, detail)
        note = detail.get("note") or (detail.get("reason") if _is_typed(kind, detail) else None)
        return Told(
            at=entry["at"],
            what=what,
            who=_WHO.get(entry["actor"], f"by {entry['actor']}"),
            detail=more,
            note=str(note) if note and self.with_notes else "",
        )

    def email(self, detail: Detail) -> str:
        """The email that an entry is about."""
        email_id = detail.get("email", "")
        return f"“{self.names.email(email_id)}”" if email_id else "an email"

    def instant(self, text: str) -> str:
        """A stored instant in the lead's zone."""
        return instant(datetime.fromisoformat(text), self.zone)


Sentence = Callable[[Teller, str, Detail], tuple[str, str]]

_WHO: Mapping[str, str] = MappingProxyType({"system": "", "recipient": "by the person"})


_BY_PEOPLE = {
    Happened.RELEASED,
    Happened.RESOLVED,
    Happened.CORRECTED,
    Happened.IDENTITY_CORRECTED,
    Happened.ERASING,
    Happened.ALLOWED_AGAIN,
}
"""Entries whose reason is typed by a person."""


def _is_typed(kind: str, detail: Detail) -> bool:
    """True when the reason is someone's own words, not a code of ours."""
    if kind == Happened.HELD:
        return detail.get("hold") == STAFF_HOLD
    return kind in _BY_PEOPLE and detail.get("reason") != ENDED


def _plain(_teller: Teller, kind: str, _detail: Detail) -> tuple[str, str]:
    return words.label(kind).capitalize(), ""


def _received(_teller: Teller, _kind: str, detail: Detail) -> tuple[str, str]:
    flags = [lead_words.FLAGS.get(flag, words.label(flag)) for flag in detail.get("flags", ())]
    return f"Their form arrived (form {detail.get('form', 'clinic')})", "; ".join(flags)


def _routed(teller: Teller, _kind: str, detail: Detail) -> tuple[str, str]:
    where = _place(detail["location"])
    if detail.get("kept"):
        return "A later form named another place or concern", "it was noted, and nothing was changed"
    sequence = detail.get("sequence")
    what = f"Belongs to {where}" + (f", sequence {teller.names.sequence(sequence)}" if sequence else ", no sequence")
    why = _evidence(detail.get("location_reason", ""))
    parts = [f"place by {why}" if why else "", f"sequence: {detail.get('sequence_reason') or ''}"]
    parts += [f"but {_conflict(one)}" for one in detail.get("conflicts") or ()]
    parts.append("part of what they asked about was not understood" if detail.get("unknown_condition") else "")
    return what, "; ".join(part for part in parts if part)


def _evidence(rule: str) -> str:
    return "a member of staff" if rule == "staff" else lead_words.EVIDENCE.get(rule, rule)


def _conflict(text: str) -> str:
    rule, _, answer = text.partition(":")
    return f"{_evidence(rule)} says {_place(answer)}"


def _place(code: str) -> str:
    return lead_words.LOCATIONS[Location(code)] if code in set(Location) else code


def _consent(_teller: Teller, _kind: str, detail: Detail) -> tuple[str, str]:
    if detail.get("confirmed"):
        return "Confirmed by a click that they want educational emails", ""
    agreed = "Agreed to educational emails" if detail.get("granted") else "Did not agree to educational emails"
    return agreed, f"wording {detail['wording']}" if detail.get("wording") else ""


def _enrolled(teller: Teller, _kind: str, detail: Detail) -> tuple[str, str]:
    again = detail.get("cycle", 1)
    return (
        f"Began the sequence {teller.names.sequence(detail['sequence'])}",
        f"for the {again}. time" if again > 1 else "",
    )


def _not_enrolled(_teller: Teller, _kind: str, detail: Detail) -> tuple[str, str]:
    return "Gets no educational emails", because(detail.get("reason"))


def _ended(_teller: Teller, _kind: str, detail: Detail) -> tuple[str, str]:
    return "Their sequence ended", because(detail.get("reason"))


def _shifted(teller: Teller, _kind: str, detail: Detail) -> tuple[str, str]:
    return f"{teller.email(detail)} was moved to {teller.instant(detail['due_at'])}", because(detail.get("reason"))


def _planned_again(_teller: Teller, _kind: str, detail: Detail) -> tuple[str, str]:
    waited = detail.get("reason") == "unknown_has_waited"
    why = "an email of unknown outcome had held it up for long enough" if waited else "the plan for it was lost"
    return "Their next email was planned again", why


def _held(teller: Teller, _kind: str, detail: Detail) -> tuple[str, str]:
    if detail.get("hold") == STAFF_HOLD:
        return f"Their emails are held until {teller.instant(detail['until'])}", ""
    return f"{teller.email(detail)} is held", because(detail.get("reason"))


def _released(_teller: Teller, _kind: str, detail: Detail) -> tuple[str, str]:
    if detail.get("submission_id"):
        return "Their form was released from quarantine", ""
    return "The hold was lifted", because(ENDED) if detail.get("reason") == ENDED else ""


def _about_email(text: str) -> Sentence:
    def tell(teller: Teller, _kind: str, detail: Detail) -> tuple[str, str]:
        code = detail.get("reason") or detail.get("code")
        return text.format(teller.email(detail)), because(code) if code else ""

    return tell


def _resolved(teller: Teller, _kind: str, detail: Detail) -> tuple[str, str]:
    found = {"sent": "it did go out", "not_sent": "it did not go out", "resend": "it goes out again"}
    name = teller.email(detail) if detail.get("email") else "An email of unknown outcome"
    by = "by what came back from the mail server" if detail.get("by_feedback") else ""
    return f"{name} was settled: {found.get(detail.get('found', ''), 'decided')}", by


def _revealed(_teller: Teller, _kind: str, detail: Detail) -> tuple[str, str]:
    return "Someone looked at the copy they got" if detail.get(
        "send_id"
    ) else "Someone looked at their contact data", ""


def _fields(text: str) -> Sentence:
    def tell(_teller: Teller, _kind: str, detail: Detail) -> tuple[str, str]:
        return text, words.listed([words.label(field) for field in detail.get("fields") or ["contact data"]])

    return tell


def _said(text: str) -> Sentence:
    return lambda _teller, _kind, _detail: (text, "")


def _alerted(_teller: Teller, _kind: str, detail: Detail) -> tuple[str, str]:
    return "Staff were told", words.label(detail.get("alert", ""))


def _event(_teller: Teller, _kind: str, detail: Detail) -> tuple[str, str]:
    return lead_words.EVENTS.get(detail["event"], words.label(detail["event"])), ""


def _answered(_teller: Teller, _kind: str, detail: Detail) -> tuple[str, str]:
    return f"Answered, after {words.plural(detail.get('after_working_minutes', 0), 'minute')} of working time", ""


def _feedback(teller: Teller, _kind: str, detail: Detail) -> tuple[str, str]:
    came = lead_words.FEEDBACK.get(detail["event"], words.label(detail["event"]))
    return f"{teller.email(detail)}: {came}", str(detail.get("code") or "")


def _suppressed(_teller: Teller, _kind: str, detail: Detail) -> tuple[str, str]:
    return "Their address gets no more emails", because(detail.get("reason"))


_SENTENCES: Mapping[str, Sentence] = MappingProxyType(
    {
        Happened.RECEIVED: _received,
        Happened.ROUTED: _routed,
        Happened.CONSENT: _consent,
        Happened.ENROLLED: _enrolled,
        Happened.NOT_ENROLLED: _not_enrolled,
        Happened.ENROLLMENT_ENDED: _ended,
        Happened.PLANNED: _about_email("{} was planned"),
        Happened.PLANNED_AGAIN: _planned_again,
        Happened.SHIFTED: _shifted,
        Happened.SENT: _about_email("{} was sent"),
        Happened.SKIPPED: _about_email("{} was left out"),
        Happened.HELD: _held,
        Happened.RELEASED: _released,
        Happened.CANCELLED: _about_email("A planned email was withdrawn"),
        Happened.REFUSED: _about_email("{} was refused for the moment; it is tried again"),
        Happened.FAILED: _about_email("{} was refused for good"),
        Happened.UNKNOWN: _about_email("Nobody knows whether {} arrived"),
        Happened.RESOLVED: _resolved,
        Happened.UNSUBSCRIBED: _said("Unsubscribed"),
        Happened.REVEALED: _revealed,
        Happened.SEARCHED: _said("Was found by a search"),
        Happened.IDENTITY_ADDED: _fields("A later form filled in what was missing"),
        Happened.IDENTITY_DIFFERS: _fields("A later form said something else; nothing was changed"),
        Happened.CORRECTED: _fields("Staff corrected their contact data"),
        Happened.IDENTITY_CORRECTED: _fields("Staff corrected who they are"),
        Happened.ALLOWED_AGAIN: _said("Staff lifted what kept emails from them; a click of theirs must confirm it"),
        Happened.EXPORTED: _said("Someone exported everything held about them"),
        Happened.ERASING: _said("They are being erased"),
        Happened.RETAINED: _said("Who they are and what they wrote was let go of: its time was over"),
        Happened.ALERTED: _alerted,
        Happened.ALERT_PARKED: _said("Staff could not be told: the message is parked"),
        Happened.ACKNOWLEDGED: _said("Someone has their urgent message"),
        Happened.CRISIS: _said("What they wrote may mean danger: their emails are held until someone has looked"),
        Happened.EVENT: _event,
        Happened.ANSWERED: _answered,
        Happened.ESCALATED: _said("Waited too long: staff were told again"),
        Happened.FEEDBACK: _feedback,
        Happened.SUPPRESSED: _suppressed,
        Happened.REPLIED: _said("Replied to an email"),
        Happened.QUIET: _said("Asked for quiet until a day"),
    }
)
"""How each kind of entry of a lead is told; what concerns no lead is told plainly."""
