"""Show how to reach someone, and what they wrote, to a person who is named on the timeline for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from worker.errors import NotFound, SealError
from worker.storage import installation, leads, submissions, timeline
from worker.storage.leads import Identity
from worker.storage.timeline import Happened
from worker.usecases.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What someone posted, field by field; no fields where the key that opens it is missing."""

    reference: str
    received_at: datetime
    fields: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Who a lead is, and every form of theirs, the newest first. `identity` is None where its key is missing."""

    identity: Identity | None
    posted: Sequence[Posted]


def reveal_lead(services: Services, lead_id: str, actor: str) -> Contact:
    """Open a lead's contact data; the look is written down before it is given. Raises NotFound."""
    with services.database.write() as connection:
        lead = leads.by_ids(connection, [lead_id]).get(lead_id)
        if lead is None:
            raise NotFound("there is no such lead, or it was erased")
        timeline.add(connection, Happened.REVEALED, installation.product_now(connection), lead_id, actor=actor)
        rows = submissions.of_lead(connection, lead_id)
    return Contact(
        identity=services.vault.readable_identity(lead), posted=[_posted(services, row) for row in reversed(rows)]
    )


def reveal_submission(services: Services, submission_id: str, actor: str) -> Posted:
    """Open what was posted; the look is written down before it is given. Raises NotFound."""
    with services.database.write() as connection:
        row = submissions.by_id(connection, submission_id)
        if row is None:
            raise NotFound("no submission of this id is here")
        now = installation.product_now(connection)
        timeline.add(connection, Happened.REVEALED, now, row["lead_id"], actor=actor, submission_id=submission_id)
    return _posted(services, row)


def _posted(services: Services, row: Mapping[str, Any]) -> Posted:
    try:
        fields: Mapping[str, Sequence[str]] = submissions.open_stored(row, services.ring).fields
    except SealError:
        fields = {}
    return Posted(reference=row["reference"], received_at=row["captured_at"], fields=fields)
