"""Publish a draft, if they may: the one that somebody has read in the studio, or the files of a machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from worker.domain.drafting import why_not_publish
from worker.domain.staff import Permission, Role, StaffState, may
from worker.errors import Refused
from worker.storage import staff
from worker.storage.database import Database
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


def _ask_for_two(desk: DraftDesk, files: Mapping[str, str], approved_by: str, written_by: str) -> None:
    if not written_by:
        raise Refused("two people are wanted here (NURTURE_SECOND_APPROVAL): name the account of whoever wrote it "
                      "with --written-by, or publish in the studio")  # fmt: skip
    _active_role(desk.database, written_by)
    if not may(_active_role(desk.database, approved_by), Permission.PUBLISH_CONTENT):
        raise Refused(f"{approved_by} may not publish; --approved-by names a marketer or an admin")
    authors = {written_by, *replace(desk.read(), files=files).authors}
    if why_not_publish(approved_by, authors, needs_second=True) is not None:
        raise Refused(f"{approved_by} wrote some of these changes: --approved-by names someone else, who has read them")


def _active_role(database: Database, name: str) -> Role:
    with database.read() as connection:
        account = staff.by_name(connection, name)
    if account is None or account["state"] != StaffState.ACTIVE:
        raise Refused(f"{name!r} is no account that may sign in; see: nurture users list")
    return Role(account["role"])
