"""A new email, and a sequence's steps, by form: for those who do not write TOML. Each form writes a draft."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from starlette.responses import Response

from worker.console.routes import Route, act, page
from worker.console.studio.words import LOCATIONS
from worker.console.visit import Visit
from worker.console.words import sentence
from worker.content.catalog import ACKNOWLEDGEMENT
from worker.domain.drafting import subject_of, version_of
from worker.domain.staff import Permission
from worker.domain.step_texts import Place, WrittenSequence, WrittenStep, change, put_in, read_steps, take_out
from worker.errors import Refused
from worker.usecases.content.waiting import WaitingPeople
from worker.usecases.drafting.look import email_of
from worker.usecases.drafting.steps import all_steps, copy_email, save_steps, text_of

_NEEDS = Permission.EDIT_CONTENT
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_ID = 50
_KEPT = "People who are on their way keep the order they began with."


def _show(visit: Visit) -> Response:
    return _steps_page(visit, 200, "")


def _steps_page(visit: Visit, status: int, problem: str) -> Response:
    draft, name = visit.means.desk.read(), visit.path["id"]
    text = text_of(draft, name)
    written, problem = _read(text, problem)
    return visit.page(
        "studio_steps.html",
        status,
        sequence=name,
        written=written,
        started_from=version_of(text),
        waiting=WaitingPeople(visit.services.database).waiting(name),
        emails=[("", "choose"), *(one for one in _emails(draft.files) if not one[0].startswith(ACKNOWLEDGEMENT))],
        afters=_afters(written.steps if written else (), draft.files),
        subjects=_subjects(written.steps if written else (), draft.files),
        places=_places(written),
        counts=_counts(written),
        problem=problem,
    )


def _read(text: str, problem: str) -> tuple[WrittenSequence | None, str]:
    """The steps; where the text is beyond these forms, why."""
    try:
        return read_steps(text), problem
    except Refused as error:
        return None, problem or sentence(error)


def _add(visit: Visit) -> Response:
    email = visit.typed("email")
    if not email:
        return _steps_page(visit, 422, "Choose the email that the step sends.")
    return _saved(visit, lambda text: put_in(text, email, _place(visit)))


def _step(visit: Visit) -> Response:
    draft = visit.means.desk.read()
    text = text_of(draft, visit.path["id"])
    written = read_steps(text)
    step = written.step(visit.path["step"])
    before = [one.id for one in written.steps]
    at = before.index(step.id)
    return visit.page(
        "studio_step.html",
        sequence=visit.path["id"],
        step=step,
        number=at + 1,
        subject=_subject(step.email, draft.files),
        after=before[at - 1] if at else "",
        started_from=version_of(text),
        afters=[after for after in _afters(written.steps, draft.files) if after[0] != step.id],
        places=_places(written),
        waiting=WaitingPeople(visit.services.database).waiting(visit.path["id"]).get(step.id, 0),
    )


def _change(visit: Visit) -> Response:
    step = visit.path["step"]
    if visit.typed("do") == "out":
        said = f"Step {step} is taken out in the draft. “Give it up” under Changes undoes it. {_KEPT}"
        return _saved(visit, lambda text: take_out(text, step), said)
    return _saved(visit, lambda text: change(text, step, _place(visit)))


def _saved(visit: Visit, edit: Callable[[str], str], said: str = f"Saved as a draft. {_KEPT}") -> Response:
    try:
        save_steps(visit.means.desk, visit.path["id"], visit.typed("started_from"), visit.me.name, edit)
    except Refused as error:
        return _steps_page(visit, 409, sentence(error))
    return visit.go_to(f"/studio/steps/{visit.path['id']}", said)


def _place(visit: Visit) -> Place:
    typed = visit.typed("days")
    only_at = tuple(sorted(place for place in set(visit.chosen("only_at")) if place in LOCATIONS))
    return Place(after=visit.typed("after"), days=int(typed) if typed.isdecimal() else None, only_at=only_at)


def _afters(steps: Iterable[WrittenStep], files: Mapping[str, str]) -> list[tuple[str, str]]:
    numbered = [(step.id, f"{number}. {_subject(step.email, files)}") for number, step in enumerate(steps, 1)]
    return [("", "nothing: it is the first"), *numbered]


def _subjects(steps: Iterable[WrittenStep], files: Mapping[str, str]) -> dict[str, str]:
    return {step.id: _subject(step.email, files) for step in steps}


def _subject(email: str, files: Mapping[str, str]) -> str:
    """What people know an email by; its file's name where it has no subject yet."""
    return subject_of(files.get(f"emails/{email}.md", "")) or email


def _places(written: WrittenSequence | None) -> list[tuple[str, str]]:
    """The locations that the sequence goes to, with their names."""
    goes_to = written.values.get("locations", []) if written else []
    return [(place.value, name) for place, name in LOCATIONS.items() if place in goes_to]


def _emails(files: Mapping[str, str]) -> list[tuple[str, str]]:
    """The emails by their subjects, those that teach first: what answers a form is in no sequence."""
    named = [(one, f"{_subject(one, files)} ({one})") for one in filter(None, map(email_of, files))]
    return sorted(named, key=lambda one: (one[0].startswith(ACKNOWLEDGEMENT), one[1]))


def _counts(written: WrittenSequence | None) -> list[str]:
    """How many emails each location gets."""
    steps = written.steps if written else ()
    goes = {place: sum(not step.only_at or place in step.only_at for step in steps) for place, _ in _places(written)}
    return [f"{name} {goes[place]}" for place, name in _places(written)]


def _new(visit: Visit) -> Response:
    return _new_page(visit, 200, "")


def _new_page(visit: Visit, status: int, problem: str) -> Response:
    draft = visit.means.desk.read()
    steps = [
        (f"{name}/{after}", f"{name}: after {said}" if after else f"{name}: as the first step")
        for name, its_steps in all_steps(draft)
        for after, said in _afters(its_steps, draft.files)
    ]
    places = [(place.value, name) for place, name in LOCATIONS.items() if place != "out_of_area"]
    return visit.page(
        "studio_new.html", status, emails=_emails(draft.files), steps=steps, places=places, problem=problem
    )


def _make(visit: Visit) -> Response:
    name = visit.typed("name")
    if len(name) > _LONGEST_ID or not _ID.fullmatch(name):
        problem = f"Small letters, digits and single hyphens, at most {_LONGEST_ID}: sleep-and-pain."
        return _new_page(visit, 422, problem)
    sequence, _, after = visit.typed("step").partition("/")
    place = replace(_place(visit), after=after)
    try:
        copy_email(visit.means.desk, name, visit.typed("source"), visit.me.name, sequence=sequence, place=place)
    except Refused as error:
        return _new_page(visit, 422, sentence(error))
    said = f"In the draft it is a step of {sequence}." if sequence else "Add it to a sequence when it is ready."
    return visit.go_to(f"/studio/edit/emails/{name}.md", f"This is a copy. Write your own. {said}")


ROUTES: tuple[Route, ...] = (
    page("/studio/new", _NEEDS, _new),
    act("/studio/new", _NEEDS, _make),
    page("/studio/steps/{id}", _NEEDS, _show),
    act("/studio/steps/{id}", _NEEDS, _add),
    page("/studio/steps/{id}/{step}", _NEEDS, _step),
    act("/studio/steps/{id}/{step}", _NEEDS, _change),
)
