"""Registered forms: what a website copies to use one, and how a payload of a foreign form is mapped. Stores nothing.

Of a parked post only the questions are shown, never what was typed; of a pasted one neither more than was pasted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.responses import Response

from worker.console.causes import Remedy, remedy
from worker.console.lead_words import FLAGS
from worker.console.routes import act, page
from worker.console.snippets import naming, snippets_of
from worker.console.visit import Visit
from worker.console.words import label
from worker.content.catalog import Catalog
from worker.domain.forms import Form
from worker.domain.mapping import Because
from worker.domain.staff import Permission
from worker.errors import NotFound, SealError
from worker.hooks.readers import GENERIC, READERS
from worker.storage import parked, submissions
from worker.storage.parked import ParkedKind
from worker.usecases.forms.explain_mapping import MappingReport, explain_mapping, explain_raw

_NEEDS = Permission.OPERATE
_MAX = 256 * 1024


@dataclass(frozen=True, slots=True)
class Explained:
    """A report with what a person needs to read beside it: why it is parked, what is odd, how to name the rest."""

    report: MappingReport
    remedy: Remedy
    oddities: Sequence[str]
    naming: str


def _explained(report: MappingReport, form: str) -> Explained:
    unknown = [one.answer.names[0] for one in report.decisions if one.because is Because.UNKNOWN]
    return Explained(
        report,
        remedy(ParkedKind.SUBMISSION, report.code),
        [FLAGS.get(flag, label(flag)) for flag in report.flags],
        naming(form, unknown) if unknown else "",
    )


def _catalog(visit: Visit) -> Catalog:
    with visit.services.database.read() as connection:
        return visit.services.content.renderer(connection)[1].catalog


def _show(visit: Visit) -> Response:
    return visit.page("forms.html", forms=list(_catalog(visit).forms.values()))


def _one(visit: Visit) -> Response:
    catalog = _catalog(visit)
    return _page(visit, _form(catalog, visit.path["key"]), None)


def _form(catalog: Catalog, key: str) -> Form:
    if key not in catalog.forms:
        raise NotFound("no form of this key is published")
    return catalog.forms[key]


def _map(visit: Visit) -> Response:
    catalog, given = _catalog(visit), visit.form.get("payload", "")
    form = _form(catalog, visit.path["key"])
    body = given.encode()[:_MAX] if isinstance(given, str) else b""
    if not body.strip():
        return _page(visit, form, None, "Please paste what the vendor posted.")
    reports = explain_mapping(body, visit.typed("source") or GENERIC, form.key, catalog, datetime.now(UTC))
    return _page(visit, form, [_explained(report, form.key) for report in reports])


def _page(visit: Visit, form: Form, reports: Sequence[Explained] | None, problem: str = "") -> Response:
    return visit.page(
        "form.html",
        422 if problem else 200,
        form=form,
        snippets=snippets_of(form, visit.services.public_url),
        vendors=[(name, "tell by what comes" if name == GENERIC else label(name).title()) for name in READERS][::-1],
        source=visit.typed("source") or GENERIC,
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
    explained = _explained(explain_raw(raw, raw.raw, _catalog(visit)), raw.form)
    return visit.page("forms_parked.html", item=item, form=raw.form, one=explained)


ROUTES = (
    page("/forms", _NEEDS, _show, nav="Forms"),
    page("/forms/{key}", _NEEDS, _one),
    act("/forms/{key}", _NEEDS, _map),
    page("/parked/items/{id}/mapping", _NEEDS, _parked),
)
