"""Addresses that must not be mailed, by keyed hash, so that a suppression outlives its lead."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from worker.domain.consent import SCOPE_OF, SuppressionReason, SuppressionScope
from worker.storage.database import insert_once
from worker.storage.tables import suppressions


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


def reasons(connection: Connection, hashes: Iterable[str]) -> dict[str, dict[SuppressionScope, SuppressionReason]]:
    """Per address that has any, its suppressions: the reason of each scope."""
    rows = connection.execute(
        select(suppressions.c.address_hash, suppressions.c.scope, suppressions.c.reason).where(
            suppressions.c.address_hash.in_(set(hashes))
        )
    )
    found: dict[str, dict[SuppressionScope, SuppressionReason]] = {}
    for address_hash, scope, reason in rows:
        found.setdefault(address_hash, {})[SuppressionScope(scope)] = SuppressionReason(reason)
    return found


def scopes(connection: Connection, hashes: Iterable[str]) -> dict[str, frozenset[SuppressionScope]]:
    """The suppressed scopes of each of these addresses that has any."""
    return {address_hash: frozenset(found) for address_hash, found in reasons(connection, hashes).items()}


def count(connection: Connection) -> int:
    """How many addresses are suppressed."""
    return connection.execute(select(func.count(suppressions.c.address_hash.distinct()))).scalar_one()
