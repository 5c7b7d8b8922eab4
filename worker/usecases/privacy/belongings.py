"""What is a person's though no lead has it: their submissions in quarantine, and parked items that hold them.

These bear no readable address, so each is opened, in memory, and compared. There are few: retention clears them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from worker.domain.messages import text_of
from worker.domain.submissions import Submission
from worker.errors import SealError
from worker.storage import parked, submissions
from worker.storage.leads import Identity
from worker.storage.parked import ParkedKind
from worker.usecases.forms.map_raw import texts_in
from worker.usecases.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """Ids of submissions that no lead has, ids of parked items, and the body hash of each parked submission."""

    submission_ids: tuple[str, ...]
    parked_ids: tuple[str, ...]
    bodies: Mapping[str, str]


def belongings_of(connection: Connection, services: Services, lead_id: str, identity: Identity) -> Belongings:
    """All that this person left beside their lead, by the same rule by which a form finds its lead."""
    loose = [row for row in submissions.unassigned(connection) if _is_theirs(_stored(services, row), identity)]
    known = {row["id"] for row in [*loose, *submissions.of_lead(connection, lead_id)]}
    bodies, items = dict[str, str](), []
    for item in parked.everything(connection):
        submission = _parked(services, item)
        if submission is not None and (submission.id in known or _is_theirs(submission, identity)):
            known.add(submission.id)
            bodies[submission.id] = submissions.body_hash(submission, services.vault.lookup)
            items.append(item["id"])
        elif item["submission_id"] in known or _mentions(services, item, {*known, identity.email or lead_id}):
            items.append(item["id"])
    return Belongings(submission_ids=tuple(row["id"] for row in loose), parked_ids=tuple(items), bodies=bodies)


def _is_theirs(submission: Submission | None, identity: Identity) -> bool:
    if submission is None:
        return False
    if submission.raw is not None:
        return _names_them(texts_in(submission.raw), identity)
    if submission.email is not None:
        return submission.email == identity.email
    return identity.email is None and submission.phone is not None and submission.phone == identity.phone


def _names_them(texts: Sequence[str], identity: Identity) -> bool:
    """A foreign form's post, not mapped yet: theirs if it holds their address, or number where they have none."""
    if identity.email is not None:
        return any(identity.email in text.casefold() for text in texts)
    number = (identity.phone or "").lstrip("+1")
    return bool(number) and any(number in "".join(filter(str.isdigit, text)) for text in texts)


def _stored(services: Services, row: Mapping[str, Any]) -> Submission | None:
    try:
        return submissions.open_stored(row, services.ring)
    except SealError:
        return None


def _parked(services: Services, item: Mapping[str, Any]) -> Submission | None:
    if item["kind"] != ParkedKind.SUBMISSION or item["submission_id"] is None:
        return None
    try:
        return submissions.open_envelope(f"{item['submission_id']}:{item['sealed']}", services.ring)
    except SealError:
        return None


def _mentions(services: Services, item: Mapping[str, Any], words: set[str]) -> bool:
    """True for a parked message or webhook that carries one of their submissions, or their address."""
    if item["kind"] in {ParkedKind.SUBMISSION, ParkedKind.EVENT}:
        return False
    try:
        text = text_of(parked.open_message(item, services.ring)).lower()
    except SealError:
        return False
    return any(word in text for word in words)
