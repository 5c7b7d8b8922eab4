"""Publish content: lint, diff, and an immutable snapshot that workers send from (I7)."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from worker.content.load import load_catalog
from worker.content.render import Renderer
from worker.content.snapshots import pack, snapshot_hash
from worker.content.uses import places_of_use as places_of_use
from worker.domain.drafting import GONE
from worker.domain.forms import unnamed_wordings
from worker.domain.sends import MENDED_BY_PUBLISHING
from worker.errors import ContentInvalid, TemplateError
from worker.storage import contents, drafts, installation, sends, timeline
from worker.storage.database import Database
from worker.storage.timeline import Happened
from worker.usecases.content.check_content import refuse_errors
from worker.usecases.content.content_history import sent_files

_FORMS = "forms.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The snapshot that is active now, and whether it is new."""

    snapshot: str
    changed: bool
    emails: int


def publish(
    database: Database, files: Mapping[str, str], approved_by: str, note: str = "", *, even_if_overdue: bool = False
) -> Published:
    """Make this content the active one. Raises ContentInvalid, and then nothing has changed.

    `even_if_overdue` lets a first start go ahead although time has passed: what is overdue is held when it
    is due, and staff are told.
    """
    renderer = check(database, files, even_if_overdue=even_if_overdue)
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
        newest = {row["path"]: row["text"] for row in drafts.open_versions(connection)}
        drafts.close(connection, [path for path, text in newest.items() if files.get(path, GONE) == text])
    return Published(snapshot=name, changed=before != name, emails=len(renderer.catalog.emails))


def check(database: Database, files: Mapping[str, str], *, even_if_overdue: bool = False) -> Renderer:
    """The renderer of content that may be published. Raises ContentInvalid with every reason why it may not."""
    renderer = Renderer(load_catalog(files))
    refuse_unnamed_wording(database, files)
    with database.read() as connection:
        today = installation.product_now(connection).date()
    refuse_errors(renderer, today, even_if_overdue=even_if_overdue)
    return renderer


def refuse_unnamed_wording(database: Database, draft: Mapping[str, str]) -> None:
    """Raise ContentInvalid where a form's consent would say something else under a version that people agreed to: what
    they agreed to could not be told any more."""
    with database.read() as connection:
        sent = sent_files(connection)
    if not sent or sent.get(_FORMS) == draft.get(_FORMS):
        return
    try:
        before = load_catalog(sent).forms
    except ContentInvalid:  # what is sent can't be read by this release: only publishing mends that
        return
    unnamed = unnamed_wordings(before, load_catalog(draft).forms)
    if unnamed:
        says = "consent_wording of form {!r} changed under its old consent_version; give it a new one"
        raise ContentInvalid([TemplateError(_FORMS, says.format(key)) for key in unnamed])


def diff(database: Database, files: Mapping[str, str]) -> str:
    """What publishing these files would change, as a unified diff; empty where nothing would."""
    with database.read() as connection:
        before = sent_files(connection)
    lines: list[str] = []
    for path in sorted(before.keys() | files.keys()):
        lines += difflib.unified_diff(
            before.get(path, "").splitlines(keepends=True),
            files.get(path, "").splitlines(keepends=True),
            f"published/{path}",
            f"draft/{path}",
        )
    return "".join(lines)
