"""Write in the browser: a text with its preview and what lint says of it, saved as a draft.

The page is a form with a textarea; without scripts its buttons do what typing does with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import HTMLResponse, Response

from worker.console.routes import Route, act, page
from worker.console.studio import letters
from worker.console.studio.choice import choose
from worker.console.studio.headers import EMAIL_HEADERS
from worker.console.studio.views.timeline import timeline
from worker.console.studio.words import LOCATIONS, in_order
from worker.console.visit import Visit
from worker.content.lint.finding import Finding, Severity
from worker.content.render import Rendered, Renderer
from worker.domain.drafting import may_go, reader_of, tidy, version_of, why_not_editable
from worker.domain.staff import Permission
from worker.errors import NotFound, Refused, TemplateError
from worker.storage import installation
from worker.usecases.drafting.changes import lines_between
from worker.usecases.drafting.look import email_of, look_at, sequence_of
from worker.usecases.drafting.save import Overtaken, give_up, save, versions_of
from worker.usecases.drafting.take_away import loss_of, take_away

_NEEDS = Permission.EDIT_CONTENT
_WIDE, _NARROW = 480, 320
"""The least width, in pixels, of the frame beside the text and of one under it on a phone."""


def _edit(visit: Visit) -> Response:
    path = _path(visit)
    files = visit.means.desk.read().files
    wanted = visit.typed("version")
    kept = [row["text"] for row in versions_of(visit.means.desk, path) if str(row["number"]) == wanted]
    if path not in files and not kept:
        raise NotFound(f"the draft has no {path}")
    return _page(visit, path, kept[0] if kept else files[path], version_of(files.get(path)), is_old=bool(kept))


def _look(visit: Visit) -> Response:
    """The same page with what is typed, unsaved."""
    return _page(visit, _path(visit), tidy(visit.text("text")), visit.typed("started_from"))


def _save(visit: Visit) -> Response:
    path, typed = _path(visit), visit.text("text")
    try:
        saved = save(visit.means.desk, path, typed, visit.typed("started_from"), visit.me.name)
    except Refused as error:
        return _page(visit, path, typed, visit.typed("started_from"), 422, problem=f"Nothing was saved: {error}.")
    if isinstance(saved, Overtaken):
        return _page(visit, path, tidy(typed), saved.version, 409, overtaken=saved)
    notice = "Saved as a draft. Nobody gets it before it is published." if saved.changed else "It was so already."
    return visit.go_to(f"/studio/edit/{path}", notice)


def _page(
    visit: Visit, path: str, text: str, started_from: str, status: int = 200, *, is_old: bool = False,
    problem: str = "", overtaken: Overtaken | None = None,
) -> Response:  # fmt: skip
    draft = visit.means.desk.read()
    look = look_at(draft.files, path, text, _today(visit))
    return visit.page(
        "studio_edit.html",
        status,
        path=path,
        text=text,
        started_from=started_from,
        email=email_of(path),
        sequence=sequence_of(path),
        reader=reader_of(path),
        may_go=may_go(path) and path in draft.files,
        findings=_in_this_file_first(look.findings, path),
        heights=_heights(visit, look.renderer, path),
        personas=list(look.renderer.catalog.personas.values()) if look.renderer else [],
        timelines=_timelines(look.renderer, path),
        places=LOCATIONS,
        problem=problem,
        is_old=is_old,
        overtaken=overtaken,
        difference=lines_between(overtaken.text, text) if overtaken else (),
        changed=lines_between(draft.published.get(path, ""), draft.files.get(path, "")),
    )


def _today(visit: Visit) -> Any:
    with visit.services.database.read() as connection:
        return installation.product_now(connection).date()


def _in_this_file_first(findings: Sequence[Finding], path: str) -> list[Finding]:
    return sorted(findings, key=lambda found: (found.severity is not Severity.E, found.path != path))


def _timelines(renderer: Renderer | None, path: str) -> list[Any]:
    """Of a sequence's file: what it would be at each location."""
    sequence = renderer.catalog.sequences.get(sequence_of(path)) if renderer else None
    if renderer is None or sequence is None:
        return []
    return [(location, timeline(renderer, sequence, location, None)) for location in in_order(sequence.locations)]


def _typed(visit: Visit) -> Response:
    """The email of what is typed, alone, for the frame beside it."""
    try:
        answer: Response = HTMLResponse(_rendered(visit, _path(visit)))
    except (TemplateError, Refused) as error:
        answer = visit.page("studio_unrendered.html", problem=str(error))
    answer.headers.update(EMAIL_HEADERS)
    return answer


def _rendered(visit: Visit, path: str) -> str:
    look = look_at(visit.means.desk.read().files, path, visit.text("text"), _today(visit))
    if look.renderer is None:
        raise Refused("; ".join(str(found) for found in look.findings))
    html = _letter(visit, look.renderer, path).html
    return letters.in_dark(html) if visit.typed("scheme") == "dark" else letters.in_light(html)


def _letter(visit: Visit, renderer: Renderer, path: str) -> Rendered:
    """The email as the person reads it who is chosen beside it."""
    choice = choose(renderer.catalog, email_of(path), persona=visit.typed("persona"), location="", sequence="")
    if choice is None:
        raise Refused("it is used nowhere yet: no sequence has it")
    return letters.rendered(renderer, choice.use, choice.persona, visit.services.public_url)


def _heights(visit: Visit, renderer: Renderer | None, path: str) -> dict[str, int] | None:
    """How high the frame must be so that the box around it scrolls; None where nothing can be shown."""
    if renderer is None or not email_of(path):
        return None
    try:
        text = _letter(visit, renderer, path).text
    except (TemplateError, Refused):
        return None
    return {"wide": letters.frame_height(text, _WIDE), "narrow": letters.frame_height(text, _NARROW)}


def _versions(visit: Visit) -> Response:
    path, desk = _path(visit), visit.means.desk
    draft, rows = desk.read(), versions_of(desk, path)
    texts = [row["text"] for row in rows] + [draft.published.get(path, "")]
    shown = [(row, lines_between(texts[at + 1], row["text"])) for at, row in enumerate(rows)]
    return visit.page("studio_versions.html", path=path, versions=shown, is_changed=path in draft.changed)


def _give_up(visit: Visit) -> Response:
    give_up(visit.means.desk, visit.typed("file"))
    return visit.go_to("/studio/changes", "Given up. What was written is still among the file's versions.")


def _ask_away(visit: Visit) -> Response:
    path = visit.path["path"]
    loss, is_block = loss_of(visit.means.desk, path), path.startswith("blocks/")
    return visit.page("studio_away.html", path=path, loss=loss, email=email_of(path), is_block=is_block)


def _away(visit: Visit) -> Response:
    path = visit.path["path"]
    take_away(visit.means.desk, path, visit.typed("started_from"), visit.me.name)
    return visit.go_to("/studio/changes", f"{path} is taken away in the draft. “Give it up” there brings it back.")


def _path(visit: Visit) -> str:
    path = visit.path["path"]
    if (problem := why_not_editable(path)) is not None:
        raise Refused(problem)
    return path


ROUTES: tuple[Route, ...] = (
    page("/studio/edit/{path:path}", _NEEDS, _edit),
    act("/studio/edit/{path:path}", _NEEDS, _save, keeps_words=True),
    act("/studio/look/{path:path}", _NEEDS, _look, keeps_words=True),
    act("/studio/typed/{path:path}", _NEEDS, _typed),
    page("/studio/versions/{path:path}", _NEEDS, _versions),
    act("/studio/give-up", _NEEDS, _give_up),
    page("/studio/away/{path:path}", _NEEDS, _ask_away),
    act("/studio/away/{path:path}", _NEEDS, _away),
)
