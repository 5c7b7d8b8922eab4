"""Publish a draft, or go back to an earlier version, if they may: what somebody has read in the studio, or what is
asked for on the command line. Both change what people get, so one rule says who may.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from worker.domain.drafting import GONE, why_not_publish
from worker.domain.staff import Permission, Role, StaffState, may
from worker.errors import Refused
from worker.storage import drafts, staff
from worker.storage.database import Database
from worker.usecases.content.content_history import restore, version
from worker.usecases.content.publish import Published, publish
from worker.usecases.drafting.desk import DraftDesk


def publish_draft(desk: DraftDesk, read: str, by: str, note: str = "") -> Published:
    """Make the draft what is sent. `read` is the name of the draft that was looked at: another one is refused.

    Raises Refused, and ContentInvalid with every error that lint finds; then nothing has changed.
    """
    draft = desk.read()
    if draft.name != read:
        raise Refused("the draft has changed since you looked at it, and nothing was published; please look again")
    problem = why_not_publish(by, draft.authors, needs_second=desk.needs_second)
    if problem is not None:
        raise Refused(problem)
    return publish(desk.database, draft.files, by, note)


def publish_files(
    desk: DraftDesk, files: Mapping[str, str], approved_by: str, note: str = "", *, written_by: str = ""
) -> Published:
    """Make these files what is sent. Nobody is signed in to a command line: where the clinic wants two people, both
    are named by their accounts. Raises Refused and ContentInvalid; then nothing has changed.
    """
    if desk.needs_second:
        _ask_for_two(desk, files, approved_by, written_by)
    return publish(desk.database, files, approved_by, note)


def restore_version(desk: DraftDesk, snapshot: str, by: str) -> None:
    """Send from an earlier version again; what is taken back so stays in the draft, to be mended or given up.

    Raises Refused and NotFound; then nothing has changed.
    """
    if (problem := why_not_restore(desk, snapshot, by)) is not None:
        raise Refused(problem)
    taken_back = desk.read().published
    restore(desk.database, snapshot, by)
    if desk.folder is None:  # files keep what they say; what is drafted in the database was closed as it was published
        files = version(desk.database, snapshot)[1]
        paths = (path for path in taken_back.keys() | files.keys() if taken_back.get(path) != files.get(path))
        with desk.database.write() as connection:
            drafts.reopen(connection, {path: taken_back.get(path, GONE) for path in paths})


def why_not_restore(desk: DraftDesk, snapshot: str, by: str) -> str | None:
    """Why this person may not, where the clinic wants two: they may not publish, or wrote what would come back."""
    if not desk.needs_second:
        return None
    _ask_for_publisher(desk.database, by)
    files = version(desk.database, snapshot)[1]
    now = desk.read().published
    with desk.database.read() as connection:
        authors = drafts.writers(connection, {path: text for path, text in files.items() if now.get(path) != text})
    if why_not_publish(by, {name for names in authors.values() for name in names}, needs_second=True) is None:
        return None
    return f"{by} wrote some of what would be sent again: someone else reads it and sends from it"


def _ask_for_publisher(database: Database, name: str) -> None:
    if not may(_active_role(database, name), Permission.PUBLISH_CONTENT):
        raise Refused(f"{name} may not publish; --approved-by names a marketer or an admin")


def _ask_for_two(desk: DraftDesk, files: Mapping[str, str], approved_by: str, written_by: str) -> None:
    if not written_by:
        raise Refused("two people are wanted here (NURTURE_SECOND_APPROVAL): name the account of whoever wrote it "
                      "with --written-by, or publish in the studio")  # fmt: skip
    _active_role(desk.database, written_by)
    _ask_for_publisher(desk.database, approved_by)
    authors = {written_by, *replace(desk.read(), files=files).authors}
    if why_not_publish(approved_by, authors, needs_second=True) is not None:
        raise Refused(f"{approved_by} wrote some of these changes: --approved-by names someone else, who has read them")


def _active_role(database: Database, name: str) -> Role:
    with database.read() as connection:
        account = staff.by_name(connection, name)
    if account is None or account["state"] != StaffState.ACTIVE:
        raise Refused(f"{name!r} is no account that may sign in; see: nurture users list")
    return Role(account["role"])
