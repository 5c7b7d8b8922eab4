"""Registered forms, and how a payload of theirs would be mapped: pasted here, or parked. Stores nothing.

Of a parked post only the questions are shown, never what was typed; of a pasted one neither more than was pasted.
"""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.responses import Response

from worker.console.routes import act, page
from worker.console.visit import Visit
from worker.content.catalog import Catalog
from worker.domain.staff import Permission
from worker.errors import NotFound, SealError
from worker.hooks.readers import GENERIC, READERS
from worker.storage import parked, submissions
from worker.storage.parked import ParkedKind
from worker.usecases.arrival.understand import DEFAULT_FORM
from worker.usecases.forms.explain_mapping import MappingReport, explain_mapping, explain_raw

_NEEDS = Permission.OPERATE
_MAX = 256 * 1024


def _catalog(visit: Visit) -> Catalog:
    with visit.services.database.read() as connection:
        return visit.services.content.renderer(connection)[1].catalog


def _show(visit: Visit) -> Response:
    return _page(visit, _catalog(visit), None)


def _map(visit: Visit) -> Response:
    catalog, given = _catalog(visit), visit.form.get("payload", "")
    body = given.encode()[:_MAX] if isinstance(given, str) else b""
    if not body.strip():
        return _page(visit, catalog, None, "Please paste what the vendor posted.")
    source, form = visit.typed("source") or GENERIC, visit.typed("form")
    return _page(visit, catalog, explain_mapping(body, source, form, catalog, datetime.now(UTC)))


def _page(visit: Visit, catalog: Catalog, reports: list[MappingReport] | None, problem: str = "") -> Response:
    return visit.page(
        "forms.html",
        422 if problem else 200,
        forms=list(catalog.forms.values()),
        form_choices=[(key, key) for key in catalog.forms],
        vendors=[(name, "by what comes" if name == GENERIC else name) for name in READERS][::-1],
        chosen=(visit.typed("form") or DEFAULT_FORM, visit.typed("source") or GENERIC),
        reports=reports,
        problem=problem,
    )


def _parked(visit: Visit) -> Response:
    """How a parked post would be mapped now, by what is published."""
    with visit.services.database.read() as connection:
        item = parked.by_id(connection, visit.path["id"])
    if item is None or item["kind"] != ParkedKind.SUBMISSION or item["submission_id"] is None:
        raise NotFound("there is no parked submission of this id")
    try:
        raw = submissions.open_envelope(f"{item['submission_id']}:{item['sealed']}", visit.services.ring)
    except SealError:
        raise NotFound("this item can't be opened") from None
    if raw.raw is None:
        raise NotFound("this item came by no webhook")
    return visit.page("forms_parked.html", item=item, form=raw.form, report=explain_raw(raw, raw.raw, _catalog(visit)))


ROUTES = (
    page("/forms", _NEEDS, _show, nav="Forms"),
    act("/forms/map", _NEEDS, _map),
    page("/parked/items/{id}/mapping", _NEEDS, _parked),
)
