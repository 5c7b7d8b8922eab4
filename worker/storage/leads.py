"""Leads: found by keyed hash, shown without contact data unless someone asks for it by name.

Identity values are sealed to their row and column. A later form fills blanks; it never overwrites.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, update

from worker.domain.ids import is_id
from worker.domain.leads import STAFF_HOLD, Location
from worker.errors import SealError
from worker.storage.database import is_one_of
from worker.storage.inserting import insert_new
from worker.storage.sealing import KeyRing, LookupKey
from worker.storage.tables import BEING_ERASED, leads, submissions

ERASING = "erasing"
"""The status of a lead whose erasure has begun."""

IDENTITY = ("email", "phone", "first_name", "last_name")
"""The identity columns, each stored as `<name>_sealed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a lead is, in clear. Lives in memory only."""

    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None


@dataclass(frozen=True, slots=True)
class Vault:
    """Seals and finds identities: the key ring and the installation's look-up key together."""

    ring: KeyRing
    lookup: LookupKey

    def email_hash(self, email: str | None) -> str | None:
        """The keyed hash by which an address is found and suppressed."""
        return self.lookup.hash(email, "email") if email else None

    def phone_hash(self, phone: str | None) -> str | None:
        """The keyed hash by which a number is found."""
        return self.lookup.hash(phone, "phone") if phone else None

    def seal_identity(self, lead_id: str, identity: Identity) -> dict[str, Any]:
        """The columns that hold an identity; a value that is None seals to None."""
        sealed = {f"{name}_sealed": self._seal(lead_id, name, getattr(identity, name)) for name in IDENTITY}
        return sealed | {
            "email_hash": self.email_hash(identity.email),
            "phone_hash": self.phone_hash(identity.phone),
        }

    def open_identity(self, lead: Mapping[str, Any], names: Sequence[str] = IDENTITY) -> Identity:
        """The identity of a stored lead, or what is asked of it."""
        opened = {
            name: self.ring.open(lead[f"{name}_sealed"], place(lead["id"], name)).decode()
            for name in names
            if lead[f"{name}_sealed"] is not None
        }
        return Identity(**opened)

    def open_email(self, lead: Mapping[str, Any]) -> str | None:
        """The address alone, of a stored lead."""
        sealed = lead["email_sealed"]
        return None if sealed is None else self.ring.open(sealed, place(lead["id"], "email")).decode()

    def readable_identity(self, lead: Mapping[str, Any]) -> Identity | None:
        """The same; None where the key that opens it is lost."""
        try:
            return self.open_identity(lead)
        except SealError:
            return None

    def _seal(self, lead_id: str, name: str, value: str | None) -> str | None:
        return None if value is None else self.ring.seal(value.encode(), place(lead_id, name))


def place(lead_id: str, name: str) -> str:
    """Where an identity value opens: in its row and column only."""
    return f"leads.{name}/{lead_id}"


def create(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Store new leads; the ids of those for whom no other transaction has just stored one."""
    return insert_new(connection, leads, rows, "id")


def is_known_phone(connection: Connection, phone_hash: str) -> bool:
    """True when some lead has this number. Any number of leads may: a household, or a desk that posts for others."""
    return connection.execute(select(leads.c.id).where(leads.c.phone_hash == phone_hash).limit(1)).first() is not None


def change(connection: Connection, lead_id: str, **values: Any) -> None:
    """Change a lead's columns."""
    connection.execute(update(leads).where(leads.c.id == lead_id).values(**values))


def find_person(connection: Connection, email_hash: str | None, phone_hash: str | None) -> Mapping[str, Any] | None:
    """The lead of this address, else (without an address) of this number; locked until the transaction ends.

    A number alone finds a lead only where the form gave no address: households share numbers.
    """
    by_email = email_hash is not None
    condition = leads.c.email_hash == email_hash if by_email else leads.c.phone_hash == phone_hash
    row = connection.execute(
        select(leads).where(condition).order_by(leads.c.created_at).limit(1).with_for_update(key_share=True)
    ).first()
    return _mapping(row)


def lock(connection: Connection, lead_id: str) -> Mapping[str, Any] | None:
    """One lead, locked until the transaction ends; rows that refer to it may still be written (`key_share`), or
    whoever holds one of its sends and notes the outcome would wait for us, and we for them."""
    if not is_id(lead_id):
        return None
    return _mapping(
        connection.execute(select(leads).where(leads.c.id == lead_id).with_for_update(key_share=True)).first()
    )


def lock_out(connection: Connection, lead_id: str) -> bool:
    """Lock a lead against everything, also rows that would refer to it, before it is deleted."""
    return connection.execute(select(leads.c.id).where(leads.c.id == lead_id).with_for_update()).first() is not None


def by_ids(connection: Connection, ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """These leads, by id; what can't be an id is nobody's."""
    rows = connection.execute(select(leads).where(is_one_of(connection, leads.c.id, set(filter(is_id, ids)))))
    return {row.id: dict(row._mapping) for row in rows}


def by_reference(connection: Connection, reference: str) -> list[str]:
    """The ids of leads with a submission of this reference; more than one is possible, and rare."""
    rows = connection.execute(
        select(submissions.c.lead_id)
        .where(submissions.c.reference == reference, submissions.c.lead_id.is_not(None))
        .distinct()
    )
    return [row.lead_id for row in rows]


def by_hashes(connection: Connection, email_hash: str | None, phone_hash: str | None) -> list[str]:
    """The ids of leads with this address or this number."""
    matches = [
        column == wanted
        for column, wanted in ((leads.c.email_hash, email_hash), (leads.c.phone_hash, phone_hash))
        if wanted is not None
    ]
    if not matches:
        return []
    rows = connection.execute(select(leads.c.id).where(or_(*matches)))
    return [row.id for row in rows]


def recent(connection: Connection, limit: int) -> list[Mapping[str, Any]]:
    """The newest leads."""
    rows = connection.execute(select(leads).order_by(leads.c.created_at.desc(), leads.c.id.desc()).limit(limit))
    return [dict(row._mapping) for row in rows]


def waiting(connection: Connection, limit: int, location: Location | None = None) -> list[Mapping[str, Any]]:
    """Those to whom the front desk owes an answer (at one location), the longest waiting first."""
    query = select(leads).where(leads.c.waiting_since.is_not(None)).order_by(leads.c.waiting_since).limit(limit)
    rows = connection.execute(query if location is None else query.where(leads.c.location == location))
    return [dict(row._mapping) for row in rows]


def count_waiting(connection: Connection) -> tuple[int, int]:
    """How many wait for an answer of the front desk, and of how many staff were told a second time."""
    row = connection.execute(
        select(func.count(), func.count(leads.c.escalated_at)).where(leads.c.waiting_since.is_not(None))
    ).one()
    return row[0], row[1]


def latest_at(connection: Connection) -> datetime | None:
    """When the newest lead wrote."""
    return connection.execute(select(func.max(leads.c.created_at))).scalar_one_or_none()


def not_escalated(connection: Connection, waiting_before: datetime, limit: int) -> list[Mapping[str, Any]]:
    """Those who wait since before an instant, and of whom staff were not told again yet; locked until the end of the
    transaction. Someone whom another transaction is changing (or erasing) is left for the next time."""
    rows = connection.execute(
        select(leads)
        .where(leads.c.waiting_since < waiting_before, leads.c.escalated_at.is_(None))
        .order_by(leads.c.waiting_since)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True)
    )
    return [dict(row._mapping) for row in rows]


def lift_ended_holds(connection: Connection, now: datetime) -> list[str]:
    """End the holds of staff whose day has come; the ids of the leads. One that became another hold stays."""
    rows = connection.execute(
        update(leads)
        .where(leads.c.hold_reason == STAFF_HOLD, leads.c.hold_until <= now)
        .values(hold_reason=None, hold_until=None)
        .returning(leads.c.id)
    )
    return [row.id for row in rows]


def being_erased(connection: Connection, limit: int) -> list[str]:
    """The ids of leads whose erasure was begun and not finished."""
    rows = connection.execute(select(leads.c.id).where(BEING_ERASED).limit(limit))
    return [row.id for row in rows]


def everyone(connection: Connection) -> Iterator[Mapping[str, Any]]:
    """Every lead, oldest first, a few at a time."""
    rows = connection.execute(select(leads).order_by(leads.c.created_at, leads.c.id).execution_options(yield_per=500))
    yield from (dict(row._mapping) for row in rows)


def held(connection: Connection, limit: int) -> list[Mapping[str, Any]]:
    """Leads that are held until a person has looked, the newest first; not those that staff hold themselves."""
    rows = connection.execute(
        select(leads)
        .where(leads.c.hold_reason.is_not(None), leads.c.hold_reason != STAFF_HOLD)
        .order_by(leads.c.created_at.desc())
        .limit(limit)
    )
    return [dict(row._mapping) for row in rows]


def _mapping(row: Row[Any] | None) -> Mapping[str, Any] | None:
    return dict(row._mapping) if row else None
