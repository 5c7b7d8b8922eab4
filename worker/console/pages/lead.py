"""One lead: what happened, why, what comes next, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from starlette.responses import Response

from worker.console import lead_words
from worker.console.routes import Handler, act, page
from worker.console.story import Teller
from worker.console.visit import Visit
from worker.domain.events import LeadEvent
from worker.domain.leads import Condition, Location, Treatment
from worker.domain.staff import Permission
from worker.errors import Refused
from worker.usecases.desk.acknowledge import acknowledge
from worker.usecases.desk.correct import correct_lead
from worker.usecases.desk.lead_file import LeadFile, read_lead_file
from worker.usecases.desk.why import instant
from worker.usecases.events.record_event import record_event
from worker.usecases.nurture.hold_lead import hold_lead
from worker.usecases.nurture.release_hold import release_hold
from worker.usecases.nurture.send_now import send_now
from worker.usecases.privacy.reveal import Contact, reveal_lead

_ENTRIES = 100
"""The newest entries of a timeline that the page shows; `nurture leads explain` shows all."""


def _show(visit: Visit) -> Response:
    return _page(visit, None)


def _reveal(visit: Visit) -> Response:
    return _page(visit, reveal_lead(visit.services, visit.path["id"], visit.me.name))


def _page(visit: Visit, contact: Contact | None) -> Response:
    file = read_lead_file(visit.services, visit.path["id"])
    return visit.page(
        "lead.html",
        file=file,
        lead=file.lead,
        contact=contact,
        told=_told(visit, file),
        more=max(len(file.entries) - _ENTRIES, 0),
        say=lead_words,
        conditions=[("", "as it is"), *lead_words.CONDITIONS.items()],
        locations=[("", "as it is"), *lead_words.LOCATIONS.items()],
        treatments=[("", "as it is"), *lead_words.TREATMENTS.items()],
    )


def _told(visit: Visit, file: LeadFile) -> object:
    teller = Teller(zone=file.zone, names=visit.look.names(), with_notes=visit.may(Permission.REVEAL_CONTACT))
    return teller.tell(file.entries[-_ENTRIES:])


def _doing(do: Callable[[Visit, str], str]) -> Handler:
    """An act on a lead: it goes back to the lead and says what was done, or why it can't be."""

    def handler(visit: Visit) -> Response:
        try:
            notice = do(visit, visit.path["id"])
        except Refused as error:
            notice = f"Nothing was changed: {error}."
        return visit.go_to(f"/leads/{visit.path['id']}", notice)

    return handler


def _event(visit: Visit, lead_id: str) -> str:
    event = visit.typed("event")
    if event not in set(LeadEvent):
        raise Refused("the form did not say what happened; press one of its buttons")
    record_event(visit.services, lead_id, LeadEvent(event), visit.me.name)
    return f"Noted: {lead_words.EVENTS[event].lower()}."


def _acknowledge(visit: Visit, lead_id: str) -> str:
    acknowledge(visit.services, lead_id, visit.me.name)
    return "You have it. Staff are not called any more; the emails stay held until someone releases them."


def _release(visit: Visit, lead_id: str) -> str:
    release_hold(visit.services, lead_id, visit.me.name, _reason(visit))
    return "Released. What was held goes out at its next decent hour."


def _hold(visit: Visit, lead_id: str) -> str:
    try:
        day = date.fromisoformat(visit.typed("until"))
    except ValueError:
        raise Refused("give the day as year-month-day, such as 2026-12-01") from None
    hold_lead(visit.services, lead_id, day, visit.me.name, _reason(visit))
    return f"Held: no educational email before {day:%A} {day.day} {day:%B %Y}."


def _send_now(visit: Visit, lead_id: str) -> str:
    at = send_now(visit.services, lead_id, visit.me.name)
    zone = read_lead_file(visit.services, lead_id).zone
    return f"The next email goes out on {instant(at, zone)}, the first decent time."


def _route(visit: Visit, lead_id: str) -> str:
    location, condition, treatment = visit.typed("location"), visit.typed("condition"), visit.typed("treatment")
    if not (location or condition or treatment):
        raise Refused("choose what to correct")
    try:
        correct_lead(
            visit.services,
            lead_id,
            location=Location(location) if location else None,
            condition=Condition(condition) if condition else None,
            treatment=Treatment(treatment) if treatment else None,
            reason=_reason(visit),
            actor=visit.me.name,
        )
    except ValueError:
        raise Refused("the form names a place, condition or treatment that there is not") from None
    return "Corrected; their emails are planned anew where that matters."


def _reason(visit: Visit) -> str:
    reason = visit.typed("reason")
    if not reason:
        raise Refused("please say why; it is kept on the timeline")
    return reason


_ACTS = {
    "event": _event,
    "acknowledge": _acknowledge,
    "release": _release,
    "hold": _hold,
    "send-now": _send_now,
    "route": _route,
}

ROUTES = (
    page("/leads/{id}", Permission.SEE_LEADS, _show),
    act("/leads/{id}/reveal", Permission.REVEAL_CONTACT, _reveal),
    *(act(f"/leads/{{id}}/{name}", Permission.ACT_ON_LEADS, _doing(do)) for name, do in _ACTS.items()),
)
