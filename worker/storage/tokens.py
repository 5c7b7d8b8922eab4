"""Tokens of other programs, by hash; revoked ones stay listed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from worker.domain.ids import is_id
from worker.domain.tokens import TokenScope
from worker.storage.tables import tokens

_NOTED_EVERY = timedelta(minutes=1)


def add(connection: Connection, values: Mapping[str, Any]) -> None:
    """Store a new token."""
    connection.execute(insert(tokens).values(**values))


def find(connection: Connection, token_hash: str) -> Mapping[str, Any] | None:
    """The token of this hash, unless it was revoked."""
    known = select(tokens).where(tokens.c.token_hash == token_hash, tokens.c.revoked_at.is_(None))
    row = connection.execute(known).first()
    return dict(row._mapping) if row else None


def in_force(connection: Connection, scope: TokenScope) -> list[Mapping[str, Any]]:
    """Every token of a scope that was not revoked."""
    rows = connection.execute(select(tokens).where(tokens.c.scope == scope, tokens.c.revoked_at.is_(None)))
    return [dict(row._mapping) for row in rows]


def secret_place(token_id: str) -> str:
    """Where the vendor's secret of a token opens."""
    return f"tokens/{token_id}/secret"


def note_use(connection: Connection, token_id: str, at: datetime) -> None:
    """Remember when it was last used, to the minute."""
    stale = or_(tokens.c.last_used_at.is_(None), tokens.c.last_used_at < at - _NOTED_EVERY)
    connection.execute(update(tokens).where(tokens.c.id == token_id, stale).values(last_used_at=at))


def revoke(connection: Connection, token_id: str, at: datetime) -> bool:
    """End a token; False where there is no such one in force."""
    if not is_id(token_id):
        return False
    in_force = update(tokens).where(tokens.c.id == token_id, tokens.c.revoked_at.is_(None))
    return connection.execute(in_force.values(revoked_at=at)).rowcount == 1


def listed(connection: Connection) -> list[Mapping[str, Any]]:
    """Every token, the newest first; never the token itself, which nobody has any more."""
    rows = connection.execute(select(tokens).order_by(tokens.c.created_at.desc(), tokens.c.id.desc()))
    return [{**row._mapping, "scope": TokenScope(row.scope)} for row in rows]
