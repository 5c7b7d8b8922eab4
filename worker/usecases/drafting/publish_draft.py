"""Publish the draft that somebody has read, if they may."""

from __future__ import annotations

from worker.domain.drafting import why_not_publish
from worker.errors import Refused
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
