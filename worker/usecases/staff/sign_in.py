"""Signing in to the console, staying so, and leaving.

A refusal is one and the same for a wrong name, password or code, and for an account that waits after wrong
tries; and it takes as long. A one-time code is good once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from worker.domain.staff import PROOF_LASTS, Role, StaffState, normalised
from worker.storage import installation, one_time_codes, staff, timeline
from worker.storage.database import real_now
from worker.storage.timeline import Happened
from worker.usecases.services import Services

log = structlog.get_logger()

_NOTE_USE_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Someone who is signed in, in one browser. `is_proved`: the password was given within the last minutes."""

    id: str
    staff_id: str
    name: str
    role: Role
    is_proved: bool
    notice: str | None


def sign_in(services: Services, name: str, password: str, code: str, *, needs_code: bool) -> str | None:
    """The token of a new session; None where anything about it is not right."""
    with services.database.read() as connection:
        known = staff.by_name(connection, name)
    hashed = known["password_hash"] if known else None
    is_right = services.passwords.is_right(hashed, normalised(password))
    with services.database.write() as connection:
        account = staff.lock(connection, name) if known else None
        if account is None or not _is_open(connection, account) or account["password_hash"] != hashed:
            log.warning("sign_in.refused")
            return None
        if not (is_right and _is_code(services, connection, account, code, needs_code=needs_code)):
            _refuse(connection, account)
            return None
        return begin(connection, account)


def begin(connection: Connection, account: Mapping[str, Any]) -> str:
    """Start a session for an account whose owner has proved to be it; its token."""
    now = real_now(connection)
    staff.change(connection, account["id"], failures=0, locked_until=None, signed_in_at=now)
    session_id, token = staff.start_session(connection, account["id"], now)
    at = installation.product_now(connection)
    with timeline.acting_via(session_id):
        timeline.add(connection, Happened.SIGNED_IN, at, None, actor=account["name"])
    return token


def find_session(services: Services, token: str, *, is_use: bool) -> Session | None:
    """The session of this token, while it is good. A page that refreshes itself is no use of it."""
    with services.database.read() as connection:
        now = real_now(connection)
        row = staff.session(connection, token, now)
    if row is None:
        return None
    is_worth_noting = is_use and now - row["seen_at"] > _NOTE_USE_EVERY
    if is_worth_noting or (is_use and row["notice"]):
        with services.database.write() as connection:
            staff.change_session(connection, row["id"], seen_at=now, notice=None)
    return Session(
        id=row["id"],
        staff_id=row["staff_id"],
        name=row["name"],
        role=Role(row["role"]),
        is_proved=now - row["proved_at"] < PROOF_LASTS,
        notice=row["notice"] if is_use else None,
    )


def prove(services: Services, session: Session, password: str) -> bool:
    """Take the password once more, before something that can't be undone. Wrong ones count as wrong tries."""
    with services.database.read() as connection:
        known = staff.by_id(connection, session.staff_id)
    is_right = services.passwords.is_right(known["password_hash"] if known else None, normalised(password))
    with services.database.write() as connection:
        account = staff.lock(connection, session.name)
        if account is None or not _is_open(connection, account):
            return False
        if not is_right:
            _refuse(connection, account)
            return False
        staff.change(connection, account["id"], failures=0, locked_until=None)
        staff.change_session(connection, session.id, proved_at=real_now(connection))
    return True


def tell_next(services: Services, session: Session, notice: str) -> None:
    """Have the next page say this once. Words of ours, with ids and codes at most."""
    with services.database.write() as connection:
        staff.change_session(connection, session.id, notice=notice)


def sign_out(services: Services, session: Session, *, only: str | None = None, but: str | None = None) -> int:
    """Sign out everywhere, in one place `only`, or everywhere `but` in one; how many places it was."""
    with services.database.write() as connection:
        count = staff.end_sessions(connection, session.staff_id, only=only, but=but)
        at = installation.product_now(connection)
        timeline.add(connection, Happened.SIGNED_OUT, at, None, actor=session.name, places=count)
    return count


def _is_open(connection: Connection, account: Mapping[str, Any]) -> bool:
    locked_until: datetime | None = account["locked_until"]
    return account["state"] == StaffState.ACTIVE and (locked_until is None or locked_until <= real_now(connection))


def _is_code(
    services: Services, connection: Connection, account: Mapping[str, Any], code: str, *, needs_code: bool
) -> bool:
    sealed = account["code_key_sealed"]
    if sealed is None:
        return not needs_code
    key = services.ring.open(sealed, staff.code_place(account["id"]))
    step = one_time_codes.step_of(key, code, real_now(connection))
    return step is not None and staff.take_code_step(connection, account["id"], step)


def _refuse(connection: Connection, account: Mapping[str, Any]) -> None:
    staff.note_failure(connection, account["id"], real_now(connection))
    at = installation.product_now(connection)
    timeline.add(connection, Happened.SIGN_IN_REFUSED, at, None, actor=account["name"])
