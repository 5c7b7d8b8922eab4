"""Submissions: every accepted post, sealed and unchanged, exactly once (I1)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, update

from worker.domain.ids import is_id
from worker.domain.submissions import Submission
from worker.errors import BrokenSeal
from worker.storage.inserting import Along, from_json, insert_new
from worker.storage.sealing import KeyRing, LookupKey, prefix_of
from worker.storage.tables import parked, submissions

_MANY = 500
"""How many ids one statement may name."""

_ASSIGN_ONE = update(submissions).where(submissions.c.id == bindparam("submission")).values(lead_id=bindparam("lead"))
_owners = from_json(submissions, ("id", "lead_id"), "owners")
_ASSIGN_ALL = update(submissions).where(submissions.c.id == _owners.c.id).values(lead_id=_owners.c.lead_id)

_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

ACCEPTED, QUARANTINED, DISMISSED = "accepted", "quarantined", "dismissed"


def envelope(submission: Submission, ring: KeyRing) -> str:
    """The submission as it travels: `id:sealed`. The id is in clear, so that it can be confirmed unopened."""
    return f"{submission.id}:{ring.seal(_compact(submission.to_json()).encode(), place(submission.id))}"


def envelope_id(text: str) -> str:
    """The submission id that an envelope bears."""
    return text.partition(":")[0]


def open_envelope(text: str, ring: KeyRing) -> Submission:
    """What was sealed. Raises SealError, also where it opens and holds no submission."""
    submission_id, _, sealed = text.partition(":")
    plain = ring.open(sealed, place(submission_id))
    try:
        return Submission.from_json(json.loads(plain))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BrokenSeal("it opens, but holds no submission") from None


def seal_again(envelope_text: str, submission: Submission, ring: KeyRing) -> str:
    """The sealed part as it is to be stored: as it came, unless an older key sealed it."""
    sealed = envelope_text.partition(":")[2]
    return sealed if sealed.startswith(prefix_of(ring.first)) else envelope(submission, ring).partition(":")[2]


def open_stored(row: Mapping[str, Any], ring: KeyRing) -> Submission:
    """The submission of a stored row. Raises SealError."""
    return open_envelope(f"{row['id']}:{row['sealed']}", ring)


def place(submission_id: str) -> str:
    """Where a submission opens: under its own id only, wherever it lies or travels."""
    return f"submission/{submission_id}"


def body_hash(submission: Submission, lookup: LookupKey) -> str:
    """The keyed hash of what was posted, to tell a repeat from another body under the same key."""
    return lookup.hash(body_digest(submission), "body")


def body_digest(submission: Submission) -> str:
    """A digest of what was posted, for comparing in memory; never stored in clear. A foreign form's is of its
    answers, so that it stays the same when their mapping changes."""
    if submission.digest:
        return submission.digest
    posted = {name: list(values) for name, values in sorted(submission.fields.items())}
    return hashlib.sha256(json.dumps([submission.form, posted], ensure_ascii=False).encode()).hexdigest()


def store(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Store submissions; the ids of those that were not stored already. For the others nothing must be done again."""
    return insert_new(connection, submissions, rows, "id")


def assign(connection: Connection, owners: Mapping[str, str]) -> None:
    """Say whose each submission is: lead ids by submission id."""
    if not owners:
        return
    if connection.dialect.name == "sqlite":
        connection.execute(_ASSIGN_ONE, [{"submission": one, "lead": lead} for one, lead in owners.items()])
        return
    along = assignment(owners)
    connection.execute(along.update, along.parameters)


def assignment(owners: Mapping[str, str]) -> Along:
    """PostgreSQL: to say so along with something else."""
    rows = [{"id": one, "lead_id": lead} for one, lead in owners.items()]
    return Along(_ASSIGN_ALL, {"owners": json.dumps(rows)})


def remove(connection: Connection, submission_id: str) -> None:
    """Take away a submission that has just been stored and must not be."""
    connection.execute(delete(submissions).where(submissions.c.id == submission_id))


def unassigned(connection: Connection) -> list[Mapping[str, Any]]:
    """What no lead has: submissions in quarantine, and dismissed ones."""
    rows = connection.execute(select(submissions).where(submissions.c.lead_id.is_(None)).order_by(submissions.c.id))
    return [dict(row._mapping) for row in rows]


def set_status(connection: Connection, submission_id: str, expected: str, status: str) -> bool:
    """Move a submission from one status to another; False where it did not stand there."""
    if not is_id(submission_id):
        return False
    updated = connection.execute(
        update(submissions)
        .where(submissions.c.id == submission_id, submissions.c.status == expected)
        .values(status=status)
    )
    return updated.rowcount == 1


def by_id(connection: Connection, submission_id: str) -> Mapping[str, Any] | None:
    """One stored submission."""
    if not is_id(submission_id):
        return None
    row = connection.execute(select(submissions).where(submissions.c.id == submission_id)).first()
    return dict(row._mapping) if row else None


def confirmed(connection: Connection, ids: Iterable[str]) -> set[str]:
    """Which of these the database holds, stored or parked: the spool may let go of them."""
    wanted, found = sorted(filter(is_id, ids)), set[str]()
    for start in range(0, len(wanted), _MANY):
        some = wanted[start : start + _MANY]
        stored = select(submissions.c.id).where(submissions.c.id.in_(some))
        put_away = select(parked.c.submission_id).where(parked.c.submission_id.in_(some))
        found |= {row[0] for row in connection.execute(stored.union(put_away))}
    return found


def quarantined(connection: Connection, limit: int) -> list[Mapping[str, Any]]:
    """What waits in quarantine: whoever may be in danger first, then the newest."""
    rows = connection.execute(
        select(submissions)
        .where(submissions.c.status == QUARANTINED)
        .order_by(submissions.c.crisis.is_(None), submissions.c.captured_at.desc())
        .limit(limit)
    )
    return [dict(row._mapping) for row in rows]


def count_quarantined(connection: Connection) -> int:
    """How many wait in quarantine."""
    return connection.execute(
        select(func.count()).select_from(submissions).where(submissions.c.status == QUARANTINED)
    ).scalar_one()


def of_form(connection: Connection, form: str, since: datetime) -> list[Mapping[str, Any]]:
    """What came by a form since then, in quarantine or not; asked by hand, and of some days."""
    rows = connection.execute(select(submissions).where(submissions.c.form == form, submissions.c.received_at >= since))
    return [dict(row._mapping) for row in rows]


def of_lead(connection: Connection, lead_id: str) -> list[Mapping[str, Any]]:
    """A lead's submissions, oldest first."""
    rows = connection.execute(
        select(submissions).where(submissions.c.lead_id == lead_id).order_by(submissions.c.captured_at)
    )
    return [dict(row._mapping) for row in rows]
