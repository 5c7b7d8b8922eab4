"""How far each mailbox was read, so that reading goes on where it stopped."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from worker.storage.database import insert_for
from worker.storage.tables import mailbox_positions


@dataclass(frozen=True, slots=True)
class Position:
    """The last mail read. Numbers of another validity mean nothing (RFC 3501 2.3.1.1)."""

    uid_validity: int
    last_uid: int


def position(connection: Connection, mailbox: str) -> Position | None:
    """Where reading stopped; None for a mailbox never read."""
    row = connection.execute(select(mailbox_positions).where(mailbox_positions.c.mailbox == mailbox)).first()
    return Position(row.uid_validity, row.last_uid) if row else None


def move(connection: Connection, mailbox: str, to: Position) -> None:
    """Remember how far it was read."""
    values = {"uid_validity": to.uid_validity, "last_uid": to.last_uid}
    statement = insert_for(connection)(mailbox_positions).values(mailbox=mailbox, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["mailbox"], set_=values))
