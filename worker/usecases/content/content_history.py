"""Published content through time: what changed and whom it touches, earlier versions, and the exact copy of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from worker.content.catalog import Catalog
from worker.content.load import load_catalog
from worker.content.snapshots import unpack
from worker.errors import NotFound
from worker.storage import contents, enrollments, installation, planned_sends, timeline
from worker.storage.database import Database
from worker.storage.timeline import Happened


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """People whom a change reaches now, and what will happen to them; `nobody` is told where there are none."""

    path: str
    people: int
    effect: str
    nobody: str

    @property
    def in_words(self) -> str:
        """`1 person; it is their next email: …`, or `nobody has it next; …`."""
        if self.people == 0:
            return self.nobody
        return f"{'1 person' if self.people == 1 else f'{self.people:,} people'}; it {self.effect}"


def sent_files(connection: Connection) -> Mapping[str, str]:
    """The files that are sent now; none before the first publish."""
    active = installation.active_snapshot(connection)
    return unpack(contents.packed(connection, active)) if active else {}


def touched(database: Database, files: Mapping[str, str]) -> list[Touched]:
    """Whom publishing these files would reach, file by file. Raises ContentInvalid."""
    draft = load_catalog(files)
    with database.read() as connection:
        before = sent_files(connection)
        changed = sorted(path for path in before.keys() | files.keys() if before.get(path) != files.get(path))
        # whoever waits is counted only where it is told: among a million sends each of these takes half a second
        are_emails = {path.startswith("emails/") for path in changed}
        waiting = planned_sends.waiting_by_email(connection) if True in are_emails else {}
        enrolled = enrollments.active_by_sequence(connection) if False in are_emails else {}
    return [_touched(path, draft, waiting, enrolled) for path in changed]


def _touched(path: str, draft: Catalog, waiting: Mapping[str, int], enrolled: Mapping[str, int]) -> Touched:
    folder, _, name = path.partition("/")
    stem = name.rpartition(".")[0]
    if folder == "emails":
        if stem not in draft.emails:
            effect, nobody = "is gone: they wait, held", "nobody has it next"
        else:
            effect = "is their next email: they get the new words"
            nobody = "nobody has it next; whoever comes to it gets the new words"
        return Touched(path=path, people=waiting.get(stem, 0), effect=effect, nobody=nobody)
    if folder == "sequences":
        effect = "is theirs: they keep the order and timing they started with"
        nobody = "nobody is in it; whoever begins it gets the new steps"
        return Touched(path=path, people=enrolled.get(stem, 0), effect=effect, nobody=nobody)
    effect, nobody = "is in what they get from here on", "nobody is in a sequence; whoever writes from now on meets it"
    return Touched(path=path, people=sum(enrolled.values()), effect=effect, nobody=nobody)


def history(database: Database) -> list[dict[str, Any]]:
    """Every published version, newest first, with its first and last use, and who made it what is sent once more."""
    with database.read() as connection:
        active = installation.active_snapshot(connection)
        rows = contents.history(connection)
        times = timeline.of_content(connection)
    return [
        {
            "snapshot": row["hash"],
            "active": row["hash"] == active,
            "published_at": row["created_at"].isoformat(),
            "approved_by": row["approved_by"],
            "note": row["note"],
            "first_used_at": row["first_used_at"].isoformat() if row["first_used_at"] else None,
            "last_used_at": row["last_used_at"].isoformat() if row["last_used_at"] else None,
            "again": _again(times, row["hash"]),
        }
        for row in rows
    ]


def versions(database: Database) -> list[dict[str, Any]]:
    """The same for people to look at, with its times as times."""
    names = ("published", "first_used", "last_used")
    return [
        {
            **row,
            **{name: datetime.fromisoformat(at) if (at := row[f"{name}_at"]) else None for name in names},
            "again": [(datetime.fromisoformat(one["at"]), one["by"]) for one in row["again"]],
        }
        for row in history(database)
    ]


def _again(times: Iterable[Mapping[str, Any]], snapshot: str) -> list[dict[str, str]]:
    """When a version became what is sent after another had been, and by whom."""
    mine = [one for one in times if one["detail"].get("snapshot") == snapshot]
    return [{"at": one["at"].isoformat(), "by": one["actor"]} for one in mine if one["detail"].get("restored")]


def export(database: Database, snapshot: str, folder: Path) -> int:
    """Write the exact files of a version into an empty folder; how many. Raises NotFound."""
    return write_out(version(database, snapshot)[1], folder)


def write_out(files: Mapping[str, str], folder: Path) -> int:
    """Write files into an empty folder; how many. Raises NotFound."""
    if folder.exists() and any(folder.iterdir()):
        raise NotFound(f"{folder} is not empty; name a new folder")
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return len(files)


def restore(database: Database, snapshot: str, approved_by: str) -> None:
    """Make an earlier version the active one again; the draft files stay as they are. Raises NotFound."""
    name, files = version(database, snapshot)
    load_catalog(files)
    with database.write() as connection:
        now, before = installation.product_now(connection), installation.active_snapshot(connection)
        installation.activate(connection, name)
        timeline.add(
            connection, Happened.PUBLISHED, now, None, actor=approved_by, snapshot=name, before=before, restored=True
        )


def version(database: Database, snapshot: str) -> tuple[str, dict[str, str]]:
    """The one published version whose hash begins so."""
    with database.read() as connection:
        matching = [row["hash"] for row in contents.history(connection) if row["hash"].startswith(snapshot)]
        if len(matching) != 1 or not snapshot:
            raise NotFound(f"no single published version begins with {snapshot!r}; see: nurture content history")
        return matching[0], unpack(contents.packed(connection, matching[0]))
