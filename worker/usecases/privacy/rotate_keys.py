"""Seal everything anew with the first key of the ring, while the product runs.

Small transactions, each value replaced only where it is still what was read: whoever writes meanwhile wins, and
writes with the first key anyway. What is done is known by its key's id, so a rotation that was interrupted, at
whatever point, goes on where it stopped. A value that can't be opened stays as it is, and is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from worker.domain.sends import HoldReason
from worker.errors import SealError, UnknownSealKey
from worker.faults import fault
from worker.storage import installation, sealed, sends, timeline
from worker.storage.sealed import SEALED, SealedColumn
from worker.storage.sealing import KeyRing
from worker.storage.timeline import Happened
from worker.usecases.services import Services

BATCH = 100
DAMAGED = "damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """What a rotation did: values sealed anew, values that no key of the ring opens (by missing key, or
    `damaged`), and held sends that go on now that their person's identity opens again."""

    key_id: str
    resealed: int = 0
    unopened: Mapping[str, int] = field(default_factory=dict)
    released: int = 0


def values_to_reseal(services: Services) -> int:
    """How many values another key than the first has sealed."""
    with services.database.read() as connection:
        return sum(sealed.count_other(connection, column, services.ring.first) for column in SEALED)


def rotate_keys(
    services: Services, actor: str, *, batch: int = BATCH, progress: Callable[[int], None] = lambda _: None
) -> Rotation:
    """Walk every sealed column once. `progress` is told, after each transaction, how many values were looked at."""
    resealed, unopened = 0, Counter[str]()
    for column in SEALED:
        after = None
        while True:
            with services.database.write() as connection:
                rows = sealed.next_other(connection, column, services.ring.first, after, batch)
                for row in rows:
                    problem = _reseal(connection, services.ring, column, row)
                    resealed += problem is None
                    unopened.update([problem] if problem else [])
                fault("reseal_in_transaction")
            fault("reseal_committed")
            progress(len(rows))
            if len(rows) < batch:
                break
            after = rows[-1][column.key.name]
    return _conclude(services, actor, resealed, unopened)


def _reseal(connection: Connection, ring: KeyRing, column: SealedColumn, row: Mapping[str, Any]) -> str | None:
    """Seal one value anew; the reason where it can't be opened."""
    place = column.place(row)
    if place is None:
        return DAMAGED
    try:
        plain = ring.open(row[column.column.name], place)
    except UnknownSealKey as error:
        return error.key_id
    except SealError:
        return DAMAGED
    sealed.replace(connection, column, row, ring.seal(plain, place))
    return None


def _conclude(services: Services, actor: str, resealed: int, unopened: Counter[str]) -> Rotation:
    """Note it, and let go of sends that were held because an identity did not open."""
    released = 0
    with services.database.write() as connection:
        now = installation.product_now(connection)
        if not unopened.keys() - {DAMAGED}:
            released = sends.release_holds(connection, now, reason=HoldReason.IDENTITY_SEALED)
        if resealed or released:
            timeline.add(
                connection,
                Happened.KEYS_ROTATED,
                now,
                None,
                actor=actor,
                key=services.ring.first,
                resealed=resealed,
                unopened=dict(unopened) or None,
            )
    if released:
        services.queue.deliver()
    return Rotation(key_id=services.ring.first, resealed=resealed, unopened=dict(unopened), released=released)
