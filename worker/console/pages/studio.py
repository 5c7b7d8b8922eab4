"""The studio: what marketing writes, as people will get it, with who gets it, when and why. These pages only read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from worker.console import words
from worker.console.routes import Route, page
from worker.console.studio.routes import StudioPages
from worker.console.visit import Visit
from worker.content.render import Renderer
from worker.domain.drafting import why_not_editable
from worker.domain.staff import Permission
from worker.usecases.content.sequence_page import published

_CHOICE = ("persona", "location", "sequence")
_FORM = ("location", "condition", "treatment", "zip", "submitted_at", "persona")


def _show(visit: Visit) -> Response:
    return _studio(visit, changed=len(visit.means.desk.read().changed)).home()


def _email(visit: Visit) -> Response:
    asked = _asked(visit, *_CHOICE, "was", "view")
    return _studio(visit).email(visit.path["id"], wait=bool(visit.typed("wait")), **asked)


def _calendar(visit: Visit) -> Response:
    sent = published(visit.services) if visit.typed("of") == "sent" else None
    return _studio(visit, sent=sent).calendar(consent=visit.typed("consent") or "yes", **_asked(visit, *_FORM))


def _check(visit: Visit) -> Response:
    return _studio(visit).check(wait=bool(visit.typed("wait")))


def _file(visit: Visit) -> Response:
    return _studio(visit).file(visit.path["path"])


def _about(answer: Callable[..., Response], *names: str) -> Callable[[Visit], Response]:
    """A page about one thing of the studio that asks for these."""
    return lambda visit: answer(_studio(visit), visit.path["id"], **_asked(visit, *names))


def _asked(visit: Visit, *names: str) -> dict[str, str]:
    return {name: visit.typed(name) for name in names}


def _studio(visit: Visit, *, changed: int = 0, sent: Renderer | None = None) -> StudioPages:
    """`sent` is what the calendar reads in place of the draft."""
    return visit.means.studio.seen_by(_frame(visit, changed), sent)


def _frame(visit: Visit, changed: int) -> dict[str, Any]:
    """The console's own header, and what whoever looks may do."""
    url = visit.look.url
    return {
        "home": url("/"),
        "menu": visit.look.menu_of(visit.role, visit.here),
        "url": url,
        "me": f"{visit.me.name}, {words.ROLES[visit.me.role].lower()}",
        "csrf": visit.csrf,
        "sign_out": url("/sign-out"),
        "changed": changed,
        "may_edit": visit.may(Permission.EDIT_CONTENT),
        "can_edit": lambda path: why_not_editable(path) is None,
    }


_NEEDS = Permission.SEE_CONTENT

ROUTES: tuple[Route, ...] = (
    page("/studio", _NEEDS, _show, nav="Studio"),
    page("/studio/email/{id}", _NEEDS, _email),
    page("/studio/frame/{id}", _NEEDS, _about(StudioPages.frame, *_CHOICE, "scheme")),
    page("/studio/eml/{id}", _NEEDS, _about(StudioPages.eml, *_CHOICE)),
    page("/studio/sequence/{id}", _NEEDS, _about(StudioPages.sequence, "location")),
    page("/studio/calendar", _NEEDS, _calendar),
    page("/studio/check", _NEEDS, _check),
    page("/studio/file/{path:path}", _NEEDS, _file),
)
