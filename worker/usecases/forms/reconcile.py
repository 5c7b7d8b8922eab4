"""Find forms that a vendor has kept and whose webhook never came, and capture them by the same path.

What we have is known by what it says: address, number and message, within a day, since the vendor tells no id and no
zone. What could not be mapped is known by all its values. Done again, it changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from worker.content.catalog import Catalog
from worker.domain.consent import SuppressionReason
from worker.domain.routing import squash
from worker.domain.submissions import Submission
from worker.errors import Refused, SealError, Unmappable
from worker.hooks.duda_history import PastForm
from worker.storage import parked, submissions, suppressions
from worker.storage.parked import ParkedKind
from worker.usecases.arrival.capture import Captured, capture
from worker.usecases.forms.map_raw import map_raw, texts_in
from worker.usecases.forms.raw_posts import raw_submissions
from worker.usecases.services import Services

_NEAR = timedelta(hours=26)
"""Zones differ by up to a day, and clocks by some minutes more."""

Key = tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Reconciled:
    """How many the vendor has kept, how many of them we had, when those were sent that we had not, and their end."""

    seen: int = 0
    known: int = 0
    missing: list[datetime] = field(default_factory=list)
    captured: Captured = field(default_factory=Captured)


def reconcile(services: Services, form: str, history: Iterable[PastForm], *, dry_run: bool = False) -> Reconciled:
    """Compare a history with what we have of a form, and capture what is missing. Raises Refused."""
    past = sorted(history, key=lambda one: one.at)
    with services.database.read() as connection:
        catalog = services.content.renderer(connection)[1].catalog
        if form not in catalog.forms:
            raise Refused(f"no form {form!r} is published; known are {', '.join(sorted(catalog.forms))}")
        known = _known(services, connection, form, past[0].at - _NEAR) if past else {}
    done = Reconciled(seen=len(past))
    for one in past:
        for submission in raw_submissions(form, "duda", one.body, secret=_secret(services), received_at=one.at):
            if _is_known(submission, known, catalog) or _was_erased(services, submission, catalog):
                done.known += 1
                continue
            done.missing.append(one.at)
            known.setdefault(_key(_mapped(submission, catalog)), []).append(one.at)  # a double click is kept twice
            if not dry_run:
                done.captured += capture(services, [submissions.envelope(submission, services.ring)])
    return done


def _secret(services: Services) -> str:
    """What keys the ids of what comes from a history, the same at each run."""
    return services.vault.lookup.hash("history", "duda")


def _known(services: Services, connection: Connection, form: str, since: datetime) -> dict[Key, list[datetime]]:
    """When what was said, of all that is stored or parked of a form."""
    found: dict[Key, list[datetime]] = {}
    for submission in _ours(services, connection, form, since):
        found.setdefault(_key(submission), []).append(submission.received_at)
    return found


def _ours(services: Services, connection: Connection, form: str, since: datetime) -> Iterator[Submission]:
    for row in submissions.of_form(connection, form, since):
        try:
            yield submissions.open_stored(row, services.ring)
        except SealError:
            continue
    for item in parked.everything(connection):
        if item["kind"] != ParkedKind.SUBMISSION or item["submission_id"] is None:
            continue
        try:
            submission = submissions.open_envelope(f"{item['submission_id']}:{item['sealed']}", services.ring)
        except SealError:
            continue
        if submission.form == form:
            yield submission


def _key(submission: Submission) -> Key:
    """By what a submission is known again, however its vendor wrote it down."""
    if submission.raw is not None:
        return ("values", *sorted(filter(None, map(squash, texts_in(submission.raw)))))
    return ("person", submission.email or "", submission.phone or "", squash(submission.first("message") or ""))


def _is_known(submission: Submission, known: Mapping[Key, list[datetime]], catalog: Catalog) -> bool:
    keys = {_key(submission), _key(_mapped(submission, catalog))}
    return any(abs(at - submission.received_at) <= _NEAR for key in keys for at in known.get(key, ()))


def _was_erased(services: Services, submission: Submission, catalog: Catalog) -> bool:
    """Whoever was erased here may stand in a vendor's history for years, and is not brought back by it."""
    address = services.vault.email_hash(_mapped(submission, catalog).email)
    if address is None:
        return False
    with services.database.read() as connection:
        reasons = suppressions.reasons(connection, {address}).get(address, {})
    return SuppressionReason.ERASED in reasons.values()


def _mapped(submission: Submission, catalog: Catalog) -> Submission:
    if submission.raw is None:
        return submission
    try:
        return map_raw(submission, submission.raw, catalog)
    except Unmappable:
        return submission
