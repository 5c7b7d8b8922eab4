"""Change a sequence's steps by form: the same draft that others type into its file."""

from __future__ import annotations

from collections.abc import Callable

from worker.domain.drafting import as_copy, version_of
from worker.domain.step_texts import Place, WrittenStep, put_in, read_steps
from worker.errors import NotFound, Refused
from worker.usecases.drafting.desk import Draft, DraftDesk
from worker.usecases.drafting.look import sequence_of
from worker.usecases.drafting.save import Overtaken, save


def path_of(sequence: str) -> str:
    """The file of a sequence."""
    return f"sequences/{sequence}.toml"


def text_of(draft: Draft, sequence: str) -> str:
    """What its draft says. Raises NotFound."""
    text = draft.files.get(path_of(sequence))
    if text is None:
        raise NotFound(f"the draft has no sequence {sequence[:60]}")
    return text


def save_steps(desk: DraftDesk, sequence: str, started_from: str, by: str, edit: Callable[[str], str]) -> None:
    """Make the edited text the draft, if the form still shows it as it is. Raises Refused."""
    text = text_of(desk.read(), sequence)
    if version_of(text) != started_from:
        raise _overtaken()
    if isinstance(save(desk, path_of(sequence), edit(text), started_from, by), Overtaken):
        raise _overtaken()


def copy_email(desk: DraftDesk, name: str, source: str, by: str, *, sequence: str = "", place: Place) -> None:
    """Begin an email as a copy of another, and put it into a sequence if one is named. Raises Refused: nothing is kept.

    The step is tried before the email is written, so that a refusal leaves no email behind that nobody asked for.
    """
    draft = desk.read()
    text = draft.files.get(f"emails/{source}.md")
    if text is None:
        raise Refused("choose an email to begin from")
    path = f"emails/{name}.md"
    if path in draft.files:
        raise Refused("there is an email of this name")
    before = text_of(draft, sequence) if sequence else ""
    after = put_in(before, name, place) if sequence else ""
    if isinstance(save(desk, path, as_copy(text, name), version_of(None), by), Overtaken):
        raise Refused("there is an email of this name")
    if sequence:
        save_steps(desk, sequence, version_of(before), by, lambda _: after)


def all_steps(draft: Draft) -> list[tuple[str, tuple[WrittenStep, ...]]]:
    """Every sequence that a step can be put into, with the steps that it has."""
    found = []
    for name in filter(None, map(sequence_of, sorted(draft.files))):
        try:
            found.append((name, read_steps(draft.files[path_of(name)]).steps))
        except Refused:  # its own page says why
            continue
    return found


def _overtaken() -> Refused:
    return Refused("the sequence was changed since you looked, and nothing was saved; here it is as it is now")
