"""Publish content: lint, diff, and an immutable snapshot that workers send from (I7)."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from worker.content.load import load_catalog
from worker.content.render import Renderer
from worker.content.snapshots import pack, snapshot_hash, unpack
from worker.domain.leads import Location
from worker.domain.sends import MENDED_BY_PUBLISHING
from worker.errors import ContentInvalid, TemplateError
from worker.storage import contents, installation, sends, timeline
from worker.storage.database import Database
from worker.storage.timeline import Happened


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The snapshot that is active now, and whether it is new."""

    snapshot: str
    changed: bool
    emails: int


def check_renders(renderer: Renderer) -> None:
    """Render every email where it may go. Raises ContentInvalid with every problem."""
    problems: list[TemplateError] = []
    for email, location, sequence in places_of_use(renderer):
        try:
            renderer.compiled(email, location, sequence)
        except TemplateError as error:
            problems.append(error)
    if problems:
        raise ContentInvalid(list({str(problem): problem for problem in problems}.values()))


def places_of_use(renderer: Renderer) -> list[tuple[str, Location, str | None]]:
    """Every (email, location, sequence) in which an email can be sent."""
    catalog = renderer.catalog
    uses: list[tuple[str, Location, str | None]] = []
    for email in catalog.emails.values():
        steps = [
            (sequence.id, step)
            for sequence in catalog.sequences.values()
            for step in sequence.steps
            if step.email == email.id
        ]
        uses += [(email.id, location, sequence) for sequence, step in steps for location in sorted(step.locations)]
        if not steps:
            uses += [(email.id, location, None) for location in sorted(email.scope.locations)]
    return uses


def publish(database: Database, files: Mapping[str, str], approved_by: str, note: str = "") -> Published:
    """Make this content the active one. Raises ContentInvalid, and then nothing has changed."""
    renderer = Renderer(load_catalog(files))
    check_renders(renderer)
    name = snapshot_hash(files)
    with database.write() as connection:
        now = installation.product_now(connection)
        before = installation.active_snapshot(connection)
        contents.store(connection, name, pack(files), now, approved_by, note)
        if before != name:
            installation.activate(connection, name)
            for reason in MENDED_BY_PUBLISHING:
                sends.release_holds(connection, now, reason=reason)
            timeline.add(connection, Happened.PUBLISHED, now, None, actor=approved_by, snapshot=name, before=before)
    return Published(snapshot=name, changed=before != name, emails=len(renderer.catalog.emails))


def diff(database: Database, files: Mapping[str, str]) -> str:
    """What publishing these files would change, as a unified diff; empty where nothing would."""
    with database.read() as connection:
        active = installation.active_snapshot(connection)
        before = unpack(contents.packed(connection, active)) if active else {}
    lines: list[str] = []
    for path in sorted(before.keys() | files.keys()):
        lines += difflib.unified_diff(
            before.get(path, "").splitlines(keepends=True),
            files.get(path, "").splitlines(keepends=True),
            f"published/{path}",
            f"draft/{path}",
        )
    return "".join(lines)
