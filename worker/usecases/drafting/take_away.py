"""Take a file out of the draft, and say first what that would break. What it said stays among its versions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from worker.content.draft_files import remove_content_file
from worker.content.load import load_catalog
from worker.domain.drafting import GONE, may_go, version_of
from worker.errors import ContentInvalid, NotFound, Refused
from worker.storage import enrollments, planned_sends
from worker.usecases.drafting.desk import DraftDesk
from worker.usecases.drafting.look import email_of, sequence_of, uses_of_block
from worker.usecases.drafting.save import keep, keep_unsaved


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What goes with a file: `people` have this email next or are in this sequence; `ahead` are in a sequence that has
    this email; `breaks` stop a publish."""

    version: str
    people: int
    ahead: int
    breaks: tuple[str, ...]


def loss_of(desk: DraftDesk, path: str) -> Loss:
    """What would be missing without this file. Raises Refused and NotFound."""
    if not may_go(path):
        raise Refused(f"{path[:80]} is needed; only emails, sequences and blocks can be taken away")
    files = dict(desk.read().files)
    text = files.pop(path, None)
    if text is None:
        raise NotFound(f"the draft has no {path}")
    try:
        load_catalog(files)
        breaks: tuple[str, ...] = ()
    except ContentInvalid as error:
        breaks = tuple(str(problem) for problem in error.problems)
    people, ahead = _people(desk, path, files)
    return Loss(version=version_of(text), people=people, ahead=ahead, breaks=(*breaks, *_lacking(files, path)))


def _lacking(files: Mapping[str, str], path: str) -> list[str]:
    """What says that it has this block. The files load without it; but no email that has it can be made."""
    shows = uses_of_block(path)
    having = [f"{other} has this block" for other, text in sorted(files.items()) if shows and shows.search(text)]
    is_ending = path.startswith("blocks/footer")
    return [*(["every email of its language ends with it"] if is_ending else []), *having]


def take_away(desk: DraftDesk, path: str, started_from: str, by: str) -> None:
    """Take the file away, if it still says what was looked at. Raises Refused."""
    if not may_go(path):
        raise Refused(f"{path[:80]} is needed")
    with desk.database.write() as connection:
        draft = desk.read_in(connection)
        if path not in draft.files or version_of(draft.files[path]) != started_from:
            raise Refused(f"{path} was changed since you looked, and nothing was taken away; please look again")
        keep_unsaved(connection, draft, path)
        if not keep(connection, path, GONE, by):
            raise Refused(f"{path} was saved by someone at this moment; please look again")
        if desk.folder is not None:
            remove_content_file(desk.folder, path)


def _people(desk: DraftDesk, path: str, files: Mapping[str, str]) -> tuple[int, int]:
    email, sequence = email_of(path), sequence_of(path)
    if not email and not sequence:
        return 0, 0
    with desk.database.read() as connection:
        enrolled = enrollments.active_by_sequence(connection)
        if sequence:
            return enrolled.get(sequence, 0), 0
        sends_it = re.compile(rf'^email\s*=\s*"{re.escape(email)}"', re.MULTILINE)
        having = {name for other, text in files.items() if (name := sequence_of(other)) and sends_it.search(text)}
        ahead = sum(count for name, count in enrolled.items() if name in having)
        return planned_sends.waiting_by_email(connection).get(email, 0), ahead
