"""What a person may ask of us: to be named rightly, to see what is held about them, to be erased."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import HTMLResponse, Response

from worker.console import lead_words
from worker.console.routes import Route, act, dangerous
from worker.console.visit import Visit
from worker.domain.consent import SuppressionScope
from worker.domain.staff import Permission
from worker.errors import BelongsToAnother, NamesPerson, Refused, UnusableContact, WithProvider
from worker.usecases.desk.lead_file import read_lead_file
from worker.usecases.privacy.allow_again import allow_again
from worker.usecases.privacy.correct_identity import correct_identity
from worker.usecases.privacy.erase import Erasure, erase_lead
from worker.usecases.privacy.export_person import export_person
from worker.usecases.privacy.readable import as_html

_PATIENCE = timedelta(seconds=3)
"""A person looks at the page; what takes longer is finished by a sweep."""

_FIELDS = ("email", "phone", "first_name", "last_name")
_SUPPRESS = {"all": SuppressionScope.ALL, "nurture": SuppressionScope.NURTURE, "none": None}


def _correct(visit: Visit) -> Response:
    lead_id = visit.path["id"]
    wanted = {name: visit.typed(name) for name in _FIELDS if visit.typed(name)}
    return visit.go_to(f"/leads/{lead_id}", _corrected(visit, lead_id, wanted))


def _corrected(visit: Visit, lead_id: str, wanted: dict[str, str]) -> str:
    """What was done, without a word of what was typed."""
    reason = visit.typed("reason")
    if not wanted or not reason:
        return "Nothing was changed: type what is right, and why it is corrected."
    try:
        done = correct_identity(visit.services, lead_id, wanted, reason=reason, actor=visit.me.name)
    except (UnusableContact, NamesPerson) as error:
        return f"Nothing was changed: {error}."
    except BelongsToAnother:
        return "Nothing was changed: another lead has this address or number. Decide first which of the two is meant."
    if not done.changed:
        return "It was so already."
    more = " The address is on the list of those not to be mailed." if done.is_suppressed else ""
    return f"Corrected: {', '.join(name.replace('_', ' ') for name in done.changed)}.{more}"


def _allow(visit: Visit) -> Response:
    lead_id, reason = visit.path["id"], visit.typed("reason")
    if not reason:
        return visit.go_to(f"/leads/{lead_id}", "Nothing was changed: please say how they asked for it.")
    try:
        allow_again(visit.services, lead_id, visit.me.name, reason)
    except Refused as error:
        return visit.go_to(f"/leads/{lead_id}", f"Nothing was changed: {error}.")
    return visit.go_to(f"/leads/{lead_id}", "They are answered now. More follows only when they confirm it by a click.")


def _ask_export(visit: Visit) -> Response:
    return visit.page("lead_export.html", file=read_lead_file(visit.services, visit.path["id"]))


def _export(visit: Visit) -> Response:
    lead_id = visit.path["id"]
    text = as_html(export_person(visit.services, lead_id, visit.me.name))
    headers = {"Content-Disposition": f'attachment; filename="lead-{lead_id}.html"'}
    return HTMLResponse(text, headers=headers)


def _ask_erase(visit: Visit) -> Response:
    return _erase_page(visit, 200, "")


def _erase_page(visit: Visit, status: int, problem: str) -> Response:
    file = read_lead_file(visit.services, visit.path["id"])
    return visit.page("lead_erase.html", status, file=file, problem=problem, say=lead_words)


def _erase(visit: Visit) -> Response:
    reason, suppress = visit.typed("reason"), visit.typed("suppress") or "all"
    if not reason or suppress not in _SUPPRESS:
        return _erase_page(visit, 422, "Please say why, and what is never to be sent to the address again.")
    erasure = Erasure(actor=visit.me.name, reason=reason, suppress=_SUPPRESS[suppress])
    try:
        done = erase_lead(visit.services, visit.path["id"], erasure, patience=_PATIENCE)
    except NamesPerson as error:
        return _erase_page(visit, 422, f"Nothing was erased: {error}.")
    except WithProvider as error:
        return visit.go_to("/leads", f"Nothing more goes out to them, and they are being erased: {error}.")
    return visit.page("lead_erased.html", done=done)


ROUTES: tuple[Route, ...] = (
    act("/leads/{id}/identity", Permission.ACT_ON_LEADS, _correct),
    act("/leads/{id}/allow", Permission.ACT_ON_LEADS, _allow),
    *dangerous("/leads/{id}/export", Permission.EXPORT_LEADS, ask=_ask_export, do=_export),
    *dangerous("/leads/{id}/erase", Permission.ERASE_LEADS, ask=_ask_erase, do=_erase),
)
