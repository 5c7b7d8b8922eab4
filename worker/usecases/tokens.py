"""Tokens for other programs: make one, believe one, end one."""

from __future__ import annotations

import secrets

from worker.domain.ids import new_id
from worker.domain.tokens import PREFIX, TokenScope, hash_of
from worker.errors import NotFound
from worker.storage import installation, timeline, tokens
from worker.storage.timeline import Happened
from worker.usecases.services import Services


def add_token(services: Services, name: str, scope: TokenScope, actor: str) -> tuple[str, str]:
    """A new token's id, and the token itself, which is never shown again."""
    token_id, token = new_id(), PREFIX + secrets.token_urlsafe(32)
    with services.database.write() as connection:
        now = installation.product_now(connection)
        values = {"id": token_id, "name": name, "scope": scope, "token_hash": hash_of(token), "created_by": actor}
        tokens.add(connection, {**values, "created_at": now})
        timeline.add(connection, Happened.TOKEN, now, None, actor=actor, token_id=token_id, scope=scope, made=True)
    return token_id, token


def check_token(services: Services, token: str, scope: TokenScope) -> tuple[str | None, bool]:
    """The id of a token in force, and whether it may do this; None for one that is not known or was revoked."""
    with services.database.read() as connection:
        found = tokens.find(connection, hash_of(token))
    if found is None:
        return None, False
    return found["id"], found["scope"] == scope


def revoke_token(services: Services, token_id: str, actor: str) -> None:
    """End a token at once. Raises NotFound."""
    with services.database.write() as connection:
        now = installation.product_now(connection)
        if not tokens.revoke(connection, token_id, now):
            raise NotFound("no token of this id is in force")
        timeline.add(connection, Happened.TOKEN, now, None, actor=actor, token_id=token_id, made=False)
