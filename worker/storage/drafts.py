"""Texts that were saved in the studio. A row is only ever closed or opened again, so no version is ever lost."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from worker.storage.database import insert_once
from worker.storage.draft_tables import draft_versions


def add(connection: Connection, path: str, number: int, text: str, saved_by: str, at: datetime) -> bool:
    """Keep a version under its number; False where another has that number, so that one of two saves goes first."""
    values = {"path": path, "number": number, "text": text, "saved_by": saved_by, "saved_at": at}
    return insert_once(connection, draft_versions, values)


def newest_number(connection: Connection, path: str) -> int:
    """The number of a path's newest version; 0 where there is none."""
    query = select(func.max(draft_versions.c.number)).where(draft_versions.c.path == path)
    return connection.execute(query).scalar() or 0


def versions(connection: Connection, path: str, limit: int) -> list[Mapping[str, Any]]:
    """The versions of a path, newest first."""
    newest_first = draft_versions.c.number.desc()
    query = select(draft_versions).where(draft_versions.c.path == path).order_by(newest_first).limit(limit)
    return [dict(row._mapping) for row in connection.execute(query)]


def open_versions(connection: Connection) -> list[Mapping[str, Any]]:
    """Every version that is neither published nor given up, in the order of saving."""
    query = select(draft_versions).where(draft_versions.c.is_open).order_by(draft_versions.c.id)
    return [dict(row._mapping) for row in connection.execute(query)]


def writers(connection: Connection, texts: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Who ever saved these very texts for these paths, published since or not; nobody for what no one saved here."""
    columns = (draft_versions.c.path, draft_versions.c.text, draft_versions.c.saved_by)
    query = select(*columns).where(draft_versions.c.path.in_(texts)).order_by(draft_versions.c.id)
    found: dict[str, dict[str, None]] = {}
    for path, text, saved_by in connection.execute(query):
        if texts[path] == text:
            found.setdefault(path, {})[saved_by] = None
    return {path: tuple(names) for path, names in found.items()}


def close(connection: Connection, paths: Collection[str]) -> None:
    """These paths have no open draft any more."""
    if paths:
        connection.execute(
            update(draft_versions)
            .where(draft_versions.c.path.in_(paths), draft_versions.c.is_open)
            .values(is_open=False)
        )


def reopen(connection: Connection, texts: Mapping[str, str]) -> None:
    """Let these texts be drafts again where they were saved here, unless somebody is writing on the path already."""
    busy = {row["path"] for row in open_versions(connection)}
    for path in texts.keys() - busy:
        same = draft_versions.c.path == path, draft_versions.c.text == texts[path]
        newest = select(func.max(draft_versions.c.id)).where(*same).scalar_subquery()
        connection.execute(update(draft_versions).where(draft_versions.c.id == newest).values(is_open=True))


def stamp(connection: Connection) -> tuple[int, int]:
    """Another value whenever a draft was saved or closed: cheap to ask again and again."""
    query = select(func.coalesce(func.max(draft_versions.c.id), 0), func.count()).where(draft_versions.c.is_open)
    newest, count = connection.execute(query).one()
    return newest, count
