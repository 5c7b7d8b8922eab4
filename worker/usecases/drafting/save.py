"""Save a text of the draft, or give a draft up. Who saves over what they have not seen is told, and nothing is lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from worker.content.draft_files import remove_content_file, write_content_file
from worker.domain.drafting import LARGEST, tidy, version_of, why_not_editable
from worker.errors import NotFound, Refused
from worker.storage import drafts
from worker.storage.database import real_now
from worker.usecases.drafting.desk import Draft, DraftDesk

IN_THE_FILES = "in-the-files"
"""Who saved what was typed into a file outside of the studio."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """It is the draft now. `changed` is False where it was that already."""

    version: str
    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Overtaken:
    """Someone saved another text meanwhile, and nothing was written. `by` is empty where it was done in the files."""

    text: str
    version: str
    by: str
    at: datetime | None


def save(desk: DraftDesk, path: str, typed: str, started_from: str, by: str) -> Saved | Overtaken:
    """Make a text the draft of a file, if it still is what the writer started from. Raises Refused."""
    text = _allowed(path, typed)
    with desk.database.write() as connection:
        draft = desk.read_in(connection)
        now = draft.files.get(path)
        if text == now:
            return Saved(version=version_of(text), changed=False)
        if version_of(now) != started_from:
            return _overtaken(draft, path)
        keep_unsaved(connection, draft, path)
        if not keep(connection, path, text, by):
            return _overtaken(draft, path)
        if desk.folder is not None:
            write_content_file(desk.folder, path, text)
    return Saved(version=version_of(text), changed=True)


def give_up(desk: DraftDesk, path: str) -> None:
    """Put back what is published, or take a new file away; what was typed stays among the versions."""
    if (problem := why_not_editable(path)) is not None:
        raise Refused(problem)
    with desk.database.write() as connection:
        draft = desk.read_in(connection)
        if path not in draft.changed:
            raise NotFound(f"{path} has no draft")
        keep_unsaved(connection, draft, path)
        drafts.close(connection, [path])
        if desk.folder is None:
            return
        if path in draft.published:
            write_content_file(desk.folder, path, draft.published[path])
        else:
            remove_content_file(desk.folder, path)


def versions_of(desk: DraftDesk, path: str) -> list[Mapping[str, Any]]:
    """What was ever saved for a file, newest first."""
    with desk.database.read() as connection:
        return drafts.versions(connection, path, limit=100)


def keep_unsaved(connection: Connection, draft: Draft, path: str) -> None:
    """Keep what stands in a file and was typed there by hand, before something else is written over it."""
    now = draft.files.get(path)
    known = [row["text"] for row in draft.versions if row["path"] == path][-1:]
    if now is not None and now not in (draft.published.get(path), *known):
        keep(connection, path, now, IN_THE_FILES)


def keep(connection: Connection, path: str, text: str, by: str) -> bool:
    """Keep a text as a file's newest version; False where somebody else's got its number first."""
    number = drafts.newest_number(connection, path) + 1
    return drafts.add(connection, path, number, text, by, real_now(connection))


def _allowed(path: str, typed: str) -> str:
    if (problem := why_not_editable(path)) is not None:
        raise Refused(problem)
    text = tidy(typed)
    if not text:
        raise Refused(f"{path} would be empty; give the draft up instead")
    if len(text) > LARGEST:
        raise Refused(f"{path} would have {len(text):,} characters; at most {LARGEST:,} can be edited here")
    return text


def _overtaken(draft: Draft, path: str) -> Overtaken:
    text = draft.files.get(path, "")
    row = next((row for row in reversed(draft.versions) if row["path"] == path and row["text"] == text), None)
    return Overtaken(
        text=text,
        version=version_of(draft.files.get(path)),
        by=row["saved_by"] if row else "",
        at=row["saved_at"] if row else None,
    )
