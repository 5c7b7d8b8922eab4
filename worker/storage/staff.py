"""Staff accounts, their one-time links and their sign-ins. Of every token only a hash is kept. Real time throughout."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, insert, or_, select, update

from worker.domain.ids import new_id
from worker.domain.staff import IDLE_FOR, LINK_LASTS, SIGNED_IN_FOR, Role, StaffState, wait_after
from worker.storage.tables import staff, staff_links, staff_sessions


def new_token() -> str:
    """A secret for a link or a cookie (256 bits)."""
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    """What is stored of a token. It is random and long, so a plain hash keeps it."""
    return hashlib.sha256(token.encode()).hexdigest()


def code_place(staff_id: str) -> str:
    """Where the sealed key of someone's one-time codes is bound to."""
    return f"staff/{staff_id}/code_key"


# --- accounts ---


def add(connection: Connection, name: str, role: Role, now: datetime) -> str | None:
    """A new, invited account: its id, or None where the name is taken."""
    if by_name(connection, name) is not None:
        return None
    staff_id = new_id()
    connection.execute(
        insert(staff).values(id=staff_id, name=name, role=role, state=StaffState.INVITED, created_at=now)
    )
    return staff_id


def by_name(connection: Connection, name: str) -> Mapping[str, Any] | None:
    """One account."""
    row = connection.execute(select(staff).where(staff.c.name == name)).first()
    return dict(row._mapping) if row else None


def by_id(connection: Connection, staff_id: str) -> Mapping[str, Any] | None:
    """One account."""
    row = connection.execute(select(staff).where(staff.c.id == staff_id)).first()
    return dict(row._mapping) if row else None


def lock(connection: Connection, name: str) -> Mapping[str, Any] | None:
    """One account, locked until the transaction ends."""
    row = connection.execute(select(staff).where(staff.c.name == name).with_for_update()).first()
    return dict(row._mapping) if row else None


def everyone(connection: Connection) -> list[Mapping[str, Any]]:
    """Every account, by name."""
    return [dict(row._mapping) for row in connection.execute(select(staff).order_by(staff.c.name))]


def change(connection: Connection, staff_id: str, **values: Any) -> None:
    """Change an account."""
    connection.execute(update(staff).where(staff.c.id == staff_id).values(**values))


def has_admin(connection: Connection, besides: str | None = None) -> bool:
    """True when someone can sign in as an admin; with `besides`, someone else than that account."""
    found = select(staff.c.id).where(staff.c.role == Role.ADMIN, staff.c.state == StaffState.ACTIVE)
    return connection.execute(select(exists(found.where(staff.c.id != besides) if besides else found))).scalar_one()


def note_failure(connection: Connection, staff_id: str, now: datetime) -> None:
    """One more wrong try. The count grows in the database, so that tries at once all count."""
    failures = connection.execute(
        update(staff).where(staff.c.id == staff_id).values(failures=staff.c.failures + 1).returning(staff.c.failures)
    ).scalar_one()
    if wait := wait_after(failures):
        change(connection, staff_id, locked_until=now + wait)


def take_code_step(connection: Connection, staff_id: str, step: int) -> bool:
    """Use up a one-time code; False where it, or a later one, was used already."""
    unused = or_(staff.c.code_step.is_(None), staff.c.code_step < step)
    taken = connection.execute(update(staff).where(staff.c.id == staff_id, unused).values(code_step=step))
    return taken.rowcount == 1


# --- one-time links ---


def make_link(connection: Connection, staff_id: str, now: datetime) -> str:
    """The token of a fresh link. Earlier links of this account end."""
    drop_links(connection, staff_id)
    token = new_token()
    connection.execute(
        insert(staff_links).values(token_hash=hash_of(token), staff_id=staff_id, expires_at=now + LINK_LASTS)
    )
    return token


def of_link(connection: Connection, token: str, now: datetime) -> Mapping[str, Any] | None:
    """The account that a link is for, while it is good."""
    row = connection.execute(
        select(staff)
        .join(staff_links, staff_links.c.staff_id == staff.c.id)
        .where(
            staff_links.c.token_hash == hash_of(token),
            staff_links.c.expires_at > now,
            staff.c.state != StaffState.DISABLED,
        )
    ).first()
    return dict(row._mapping) if row else None


def use_link(connection: Connection, token: str) -> bool:
    """Use up a link; False where someone was first."""
    used = connection.execute(delete(staff_links).where(staff_links.c.token_hash == hash_of(token)))
    return used.rowcount == 1


def drop_links(connection: Connection, staff_id: str) -> None:
    """End every link of an account."""
    connection.execute(delete(staff_links).where(staff_links.c.staff_id == staff_id))


# --- being signed in ---


def start_session(connection: Connection, staff_id: str, now: datetime) -> tuple[str, str]:
    """Sign in: the session's id, which the audit trail shows, and its token, which only the browser keeps."""
    connection.execute(delete(staff_sessions).where(staff_sessions.c.created_at < now - SIGNED_IN_FOR))
    session_id, token = new_id(), new_token()
    connection.execute(
        insert(staff_sessions).values(
            id=session_id,
            token_hash=hash_of(token),
            staff_id=staff_id,
            created_at=now,
            seen_at=now,
            proved_at=now,
        )
    )
    return session_id, token


def session(connection: Connection, token: str, now: datetime) -> Mapping[str, Any] | None:
    """A session that is still good, with its account's name and role."""
    row = connection.execute(
        select(staff_sessions, staff.c.name, staff.c.role)
        .join(staff, staff.c.id == staff_sessions.c.staff_id)
        .where(
            staff_sessions.c.token_hash == hash_of(token),
            _is_good(now),
            staff.c.state == StaffState.ACTIVE,
        )
    ).first()
    return dict(row._mapping) if row else None


def sessions_of(connection: Connection, staff_id: str, now: datetime) -> list[Mapping[str, Any]]:
    """Where someone is signed in, the latest seen first."""
    rows = connection.execute(
        select(staff_sessions)
        .where(
            staff_sessions.c.staff_id == staff_id,
            _is_good(now),
        )
        .order_by(staff_sessions.c.seen_at.desc())
    )
    return [dict(row._mapping) for row in rows]


def count_sessions(connection: Connection, now: datetime) -> dict[str, int]:
    """Per account, in how many places it is signed in."""
    rows = connection.execute(
        select(staff_sessions.c.staff_id, func.count()).where(_is_good(now)).group_by(staff_sessions.c.staff_id)
    )
    return {row[0]: row[1] for row in rows}


def change_session(connection: Connection, session_id: str, **values: Any) -> None:
    """Change a session."""
    connection.execute(update(staff_sessions).where(staff_sessions.c.id == session_id).values(**values))


def end_sessions(connection: Connection, staff_id: str, *, only: str | None = None, but: str | None = None) -> int:
    """Sign someone out: everywhere, in one place `only`, or everywhere `but` one place. How many places it was."""
    mine = staff_sessions.c.staff_id == staff_id
    if only is not None:
        mine &= staff_sessions.c.id == only
    if but is not None:
        mine &= staff_sessions.c.id != but
    return connection.execute(delete(staff_sessions).where(mine)).rowcount


def _is_good(now: datetime) -> ColumnElement[bool]:
    return and_(staff_sessions.c.created_at > now - SIGNED_IN_FOR, staff_sessions.c.seen_at > now - IDLE_FOR)
