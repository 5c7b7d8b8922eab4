"""Addresses that must not be mailed, by keyed hash, so that a suppression outlives its lead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select

from worker.domain.consent import SCOPE_OF, SuppressionReason, SuppressionScope
from worker.storage.database import insert_once, is_one_of
from worker.storage.tables import suppressions

Suppressed = Mapping[SuppressionScope, SuppressionReason]
"""What an address has: the reason of each scope."""


def add(connection: Connection, address_hash: str, reason: SuppressionReason, origin: str, at: datetime) -> bool:
    """Suppress an address; False where it was suppressed to this extent already."""
    return insert_once(
        connection,
        suppressions,
        {"address_hash": address_hash, "scope": SCOPE_OF[reason], "reason": reason, "origin": origin, "at": at},
    )


def unsubscribed_at(connection: Connection, address_hash: str) -> datetime | None:
    """When this address unsubscribed by itself; None where it did not."""
    return connection.execute(
        select(suppressions.c.at).where(
            suppressions.c.address_hash == address_hash,
            suppressions.c.scope == SuppressionScope.NURTURE,
            suppressions.c.reason == SuppressionReason.UNSUBSCRIBED,
        )
    ).scalar_one_or_none()


def lift_unsubscribe(connection: Connection, address_hash: str) -> None:
    """End a person's own unsubscribe, after a new consent that they confirmed."""
    connection.execute(
        delete(suppressions).where(
            suppressions.c.address_hash == address_hash,
            suppressions.c.scope == SuppressionScope.NURTURE,
            suppressions.c.reason == SuppressionReason.UNSUBSCRIBED,
        )
    )


def soften_erasure(connection: Connection, address_hash: str) -> bool:
    """Turn what an erasure suppressed into an unsubscribe of the same instant; False where no erasure stands there."""
    row = connection.execute(
        delete(suppressions)
        .where(suppressions.c.address_hash == address_hash, suppressions.c.reason == SuppressionReason.ERASED)
        .returning(suppressions.c.at)
    ).first()
    if row is None:
        return False
    add(connection, address_hash, SuppressionReason.UNSUBSCRIBED, "erasure", row.at)
    return True


def of_address(connection: Connection, address_hash: str) -> list[Mapping[str, Any]]:
    """The suppressions of one address: scope, reason, where it came from, when."""
    rows = connection.execute(select(suppressions).where(suppressions.c.address_hash == address_hash))
    return [dict(row._mapping) for row in rows]


def carry_over(connection: Connection, old_hash: str, new_hash: str, at: datetime) -> list[SuppressionReason]:
    """What a person asked for under an old address holds for their new one; that mail to it bounced does not."""
    rows = connection.execute(select(suppressions.c.reason).where(suppressions.c.address_hash == old_hash)).scalars()
    found = [SuppressionReason(reason) for reason in rows if reason != SuppressionReason.HARD_BOUNCE]
    return [reason for reason in found if add(connection, new_hash, reason, "corrected", at)]


def reasons(connection: Connection, hashes: Iterable[str]) -> dict[str, dict[SuppressionScope, SuppressionReason]]:
    """Per address that has any, its suppressions: the reason of each scope."""
    rows = connection.execute(
        select(suppressions.c.address_hash, suppressions.c.scope, suppressions.c.reason).where(
            is_one_of(connection, suppressions.c.address_hash, set(hashes))
        )
    )
    found: dict[str, dict[SuppressionScope, SuppressionReason]] = {}
    for address_hash, scope, reason in rows:
        found.setdefault(address_hash, {})[SuppressionScope(scope)] = SuppressionReason(reason)
    return found


def scopes(connection: Connection, hashes: Iterable[str]) -> dict[str, frozenset[SuppressionScope]]:
    """The suppressed scopes of each of these addresses that has any."""
    return {address_hash: frozenset(found) for address_hash, found in reasons(connection, hashes).items()}


def counts(connection: Connection) -> list[Mapping[str, Any]]:
    """How many addresses are suppressed, by reason, origin and scope; the most first."""
    by = (suppressions.c.reason, suppressions.c.origin, suppressions.c.scope)
    rows = connection.execute(select(*by, func.count().label("count")).group_by(*by).order_by(func.count().desc()))
    return [dict(row._mapping) for row in rows]


def count(connection: Connection) -> int:
    """How many addresses are suppressed."""
    return connection.execute(select(func.count(suppressions.c.address_hash.distinct()))).scalar_one()
