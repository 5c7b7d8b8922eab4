"""What differs from what is sent, whom it reaches, publishing it, and the way back to what was sent before."""

from __future__ import annotations

from starlette.responses import Response

from worker.console.routes import Route, dangerous, page
from worker.console.visit import Visit
from worker.content.lint.finding import Finding, errors_in
from worker.domain.drafting import why_not_publish
from worker.domain.staff import Permission
from worker.errors import ContentInvalid, Refused
from worker.usecases.content.content_history import Touched, touched, version, versions
from worker.usecases.content.publish import refuse_unnamed_wording
from worker.usecases.drafting.changes import changes_between
from worker.usecases.drafting.desk import Draft
from worker.usecases.drafting.publish_draft import publish_draft, restore_version, why_not_restore


def _changes(visit: Visit) -> Response:
    draft = visit.means.desk.read()
    reached, broken = _reached(visit, draft)
    return visit.page(
        "studio_changes.html",
        changes=changes_between(draft.published, draft.files),
        authors={path: draft.authors_of(path) for path in draft.changed},
        reached={one.path: one for one in reached},
        broken=broken,
        findings=None if broken else _findings(visit, wait=bool(visit.typed("wait"))),
        hindrance=_hindrance(visit, draft),
    )


def _reached(visit: Visit, draft: Draft) -> tuple[list[Touched], list[str]]:
    """Whom the draft touches; where its files do not load, why."""
    try:
        found = touched(visit.services.database, draft.files)
        refuse_unnamed_wording(visit.services.database, draft.files)
        return found, []
    except ContentInvalid as error:
        return [], [str(problem) for problem in error.problems]


def _findings(visit: Visit, *, wait: bool) -> list[Finding] | None:
    """What lint says of the whole draft; None where it would have to read first."""
    studio = visit.means.studio
    draft = studio.drafts.look()
    if not wait and studio.findings.needs_time(draft):
        return None
    return [found for found in studio.findings.of(draft) if isinstance(found, Finding)]


def _hindrance(visit: Visit, draft: Draft) -> str | None:
    return why_not_publish(visit.me.name, draft.authors, needs_second=visit.means.desk.needs_second)


def _ask(visit: Visit) -> Response:
    return _publish_page(visit, 200, ())


def _publish_page(visit: Visit, status: int, problems: tuple[str, ...]) -> Response:
    draft = visit.means.desk.read()
    reached, broken = _reached(visit, draft)
    found = [] if problems or broken else errors_in(_findings(visit, wait=True) or [])
    return visit.page(
        "studio_publish.html",
        status,
        draft=draft,
        reached=reached,
        problems=[*problems, *broken, *map(str, found)],
        hindrance=_hindrance(visit, draft),
    )


def _publish(visit: Visit) -> Response:
    try:
        done = publish_draft(visit.means.desk, visit.typed("read"), visit.me.name, visit.typed("note")[:200])
    except ContentInvalid as error:
        return _publish_page(visit, 409, tuple(str(problem) for problem in error.problems))
    except Refused as error:
        return _publish_page(visit, 409, (f"Nothing was published: {error}.",))
    said = "Published: this is what is sent now." if done.changed else "This was what is sent already."
    return visit.go_to("/studio/history", said)


def _history(visit: Visit) -> Response:
    return visit.page("studio_history.html", versions=versions(visit.services.database))


def _version(visit: Visit) -> Response:
    return _version_page(visit, "studio_version.html")


def _version_page(visit: Visit, template: str, **more: object) -> Response:
    name, files = version(visit.services.database, visit.path["id"])
    shown = next(row for row in versions(visit.services.database) if row["snapshot"] == name)
    now = visit.means.desk.read().published
    return visit.page(template, version=shown, changes=changes_between(now, files), **more)


def _ask_restore(visit: Visit) -> Response:
    hindrance = why_not_restore(visit.means.desk, visit.path["id"], visit.me.name)
    return _version_page(visit, "studio_restore.html", hindrance=hindrance)


def _restore(visit: Visit) -> Response:
    restore_version(visit.means.desk, visit.path["id"], visit.me.name)
    return visit.go_to("/studio/history", "This version is sent from now. What you took back stays in the draft.")


_SEE, _SEND = Permission.SEE_CONTENT, Permission.PUBLISH_CONTENT

ROUTES: tuple[Route, ...] = (
    page("/studio/changes", _SEE, _changes),
    *dangerous("/studio/publish", _SEND, ask=_ask, do=_publish),
    page("/studio/history", _SEE, _history),
    page("/studio/history/{id}", _SEE, _version),
    *dangerous("/studio/history/{id}/restore", _SEND, ask=_ask_restore, do=_restore),
)
