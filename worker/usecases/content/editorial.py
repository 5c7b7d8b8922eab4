"""What stands before whoever writes the emails: the drafts, what is sent now, and what is to be read again soon."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from worker.content.catalog import Catalog, Email
from worker.content.lint.front_rules import WARN_DAYS
from worker.domain.drafting import why_not_publish
from worker.errors import ContentInvalid
from worker.storage import installation
from worker.usecases.content.content_history import versions
from worker.usecases.drafting.desk import DraftDesk
from worker.usecases.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Editorial:
    """`changes`: the files that differ from what is sent, with who wrote them (nobody, where it was done in the files);
    None where the draft can't be read. `hindrance`: why this person may not publish them, in a sentence."""

    changes: Mapping[str, tuple[str, ...]] | None
    hindrance: str | None
    sent_now: Mapping[str, Any] | None
    to_read: tuple[Email, ...]
    """Emails whose review is overdue or due within thirty days, the first to be held first."""
    next_review: date | None
    today: date


def read_editorial(services: Services, desk: DraftDesk, reader: str) -> Editorial:
    """Look at the drafts and at what is sent."""
    try:
        draft = desk.read()
    except (ContentInvalid, OSError):
        changes, hindrance = None, None
    else:
        changes = {path: draft.authors_of(path) for path in draft.changed}
        hindrance = why_not_publish(reader, draft.authors, needs_second=desk.needs_second)
    sent_now = next((version for version in versions(services.database) if version["active"]), None)
    with services.database.read() as connection:
        today = installation.product_now(connection).date()
        catalog = services.content.renderer(connection)[1].catalog
    return Editorial(
        changes=changes,
        hindrance=hindrance,
        sent_now=sent_now,
        to_read=due_for_review(catalog, today + timedelta(days=WARN_DAYS)),
        next_review=min((email.scope.review_by for email in catalog.emails.values()), default=None),
        today=today,
    )


def due_for_review(catalog: Catalog, until: date) -> tuple[Email, ...]:
    """The emails that are held unless someone has read them again by this day, in the order of their days."""
    due: Iterable[Email] = (email for email in catalog.emails.values() if email.scope.review_by <= until)
    return tuple(sorted(due, key=lambda email: (email.scope.review_by, email.id)))
