"""The one row that every process agrees on: the product clock, the active snapshot, the look-up key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, update

from worker.domain.clock import ProductClock
from worker.domain.ids import new_id
from worker.storage.database import insert_once, real_now
from worker.storage.endpoints import somebody_is_told
from worker.storage.pauses import something_is_left
from worker.storage.sealing import KeyRing, LookupKey
from worker.storage.tables import installation

LOOKUP_PLACE = "installation.lookup_key"
"""Where the look-up key opens."""


def create(connection: Connection, ring: KeyRing, speed: float) -> bool:
    """Make the row on first start; False where it is there already."""
    now = real_now(connection)
    return insert_once(
        connection,
        installation,
        {
            "id": 1,
            "clock_speed": speed,
            "clock_real_anchor": now,
            "clock_product_anchor": now,
            "instance": new_id(),
            "lookup_key_sealed": ring.seal(LookupKey.new().key, LOOKUP_PLACE),
        },
    )


def lookup_key(connection: Connection, ring: KeyRing) -> LookupKey:
    """The installation's key for keyed hashes. Raises SealError when the ring has lost its key."""
    sealed = connection.execute(select(installation.c.lookup_key_sealed)).scalar_one()
    return LookupKey(ring.open(sealed, LOOKUP_PLACE))


def clock(connection: Connection) -> ProductClock:
    """The product clock as it stands."""
    return moment(connection).clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What every process agrees on at one instant: real time, the product clock, which content is sent, whether
    any other system is told of what happens, and whether it is worth asking what is paused."""

    real: datetime
    clock: ProductClock
    snapshot: str | None
    is_anyone_told: bool
    may_be_paused: bool

    @property
    def now(self) -> datetime:
        """The product instant."""
        return self.clock.at(self.real)

    def after(self, seconds: float) -> datetime:
        """The product instant so many real seconds later."""
        return self.clock.at(self.real + timedelta(seconds=seconds))


def moment(connection: Connection) -> Moment:
    """This moment, in one query."""
    return moment_of(connection, connection.execute(MOMENT[connection.dialect.name]).one())


def moment_of(connection: Connection, row: Row[Any]) -> Moment:
    """The moment that a row of `MOMENT` tells."""
    clock = ProductClock(
        speed=row.clock_speed, real_anchor=row.clock_real_anchor, product_anchor=row.clock_product_anchor
    )
    real = real_now(connection) if connection.dialect.name == "sqlite" else row.real.astimezone(UTC)
    return Moment(
        real=real,
        clock=clock,
        snapshot=row.active_snapshot,
        is_anyone_told=row.is_anyone_told,
        may_be_paused=row.may_be_paused,
    )


_MOMENT_WITHOUT_TIME = select(
    installation.c.clock_speed,
    installation.c.clock_real_anchor,
    installation.c.clock_product_anchor,
    installation.c.active_snapshot,
    somebody_is_told().label("is_anyone_told"),
    something_is_left().label("may_be_paused"),
)
MOMENT = {
    "sqlite": _MOMENT_WITHOUT_TIME,
    "postgresql": _MOMENT_WITHOUT_TIME.add_columns(func.clock_timestamp().label("real")),
}
"""By dialect: SQLite has no clock of its own."""


def product_now(connection: Connection) -> datetime:
    """The product instant now."""
    return moment(connection).now


def set_clock(connection: Connection, changed: ProductClock) -> None:
    """Move the product clock, for every process."""
    connection.execute(
        update(installation).values(
            clock_speed=changed.speed,
            clock_real_anchor=changed.real_anchor,
            clock_product_anchor=changed.product_anchor,
        )
    )


def instance_and_ticks(connection: Connection) -> tuple[str, int]:
    """Which installation this is, and how many sweeps its database has seen; locked until the transaction ends."""
    row = connection.execute(select(installation.c.instance, installation.c.ticks).with_for_update()).one()
    return row.instance, row.ticks


def tick(connection: Connection) -> int:
    """Count a sweep; the count now."""
    statement = update(installation).values(ticks=installation.c.ticks + 1).returning(installation.c.ticks)
    ticks: int = connection.execute(statement).scalar_one()
    return ticks


def tick_past(connection: Connection, ticks: int) -> int:
    """Count on from at least this many sweeps; the count now."""
    _, mine = instance_and_ticks(connection)
    connection.execute(update(installation).values(ticks=max(mine, ticks) + 1))
    return max(mine, ticks) + 1


def claim_retention(connection: Connection, now: datetime, every: timedelta) -> bool:
    """True for one caller in so much time: let go of what is old."""
    last = installation.c.retention_ran_at
    due = or_(last.is_(None), last <= now - every)
    return connection.execute(update(installation).where(due).values(retention_ran_at=now)).rowcount == 1


def retention_is_unfinished(connection: Connection) -> None:
    """There was more than one go could take: go on soon."""
    connection.execute(update(installation).values(retention_ran_at=None))


def active_snapshot(connection: Connection) -> str | None:
    """The hash of the content that is sent; None before the first publish."""
    return connection.execute(select(installation.c.active_snapshot)).scalar_one_or_none()


def activate(connection: Connection, snapshot: str) -> None:
    """Send this content from now on."""
    connection.execute(update(installation).values(active_snapshot=snapshot))


def checked_until(connection: Connection) -> str | None:
    """Up to which enrollment the repair loop has looked; None where it starts anew."""
    until: str | None = connection.execute(select(installation.c.checked_until)).scalar_one()
    return until


def note_checked(connection: Connection, until: str | None) -> None:
    """Say up to where it has looked."""
    connection.execute(update(installation).values(checked_until=until))
