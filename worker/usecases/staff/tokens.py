"""Tokens for other programs: make one, believe one, end one."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from worker.domain.ids import new_id
from worker.domain.tokens import PREFIX, TokenScope, hash_of
from worker.errors import NotFound, Refused, SealError
from worker.storage import installation, timeline, tokens
from worker.storage.timeline import Happened
from worker.usecases.services import Services

_MAX_FORM = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class HookToken:
    """A token by which a vendor posts to one form. `secret` is what the vendor signs with; empty: it does not."""

    id: str
    form: str
    secret: str = ""
    hash: str = ""


def add_token(
    services: Services, name: str, scope: TokenScope, actor: str, *, form: str = "", secret: str = ""
) -> tuple[str, str]:
    """A new token's id, and the token itself, which is never shown again. Raises Refused.

    One for webhooks bears the key of its form, so that a post is not lost while nobody can look its token up.
    """
    token_id, random = new_id(), secrets.token_urlsafe(32)
    token = f"{PREFIX}{form}.{random}" if form else PREFIX + random
    with services.database.write() as connection:
        if (scope is TokenScope.HOOKS) != bool(form):
            raise Refused("a token of scope hooks posts to one form, and only such a one has a form")
        if form:
            _require_form(form, services.content.renderer(connection)[1].catalog.forms)
        now = installation.product_now(connection)
        values = {"id": token_id, "name": name, "scope": scope, "token_hash": hash_of(token), "created_by": actor}
        sealed = services.ring.seal(secret.encode(), tokens.secret_place(token_id)) if secret else None
        tokens.add(connection, {**values, "created_at": now, "form": form or None, "secret_sealed": sealed})
        timeline.add(connection, Happened.TOKEN, now, None, actor=actor, token_id=token_id, scope=scope, made=True)
    return token_id, token


def _require_form(form: str, known: Collection[str]) -> None:
    if form not in known or len(form) > _MAX_FORM:
        raise Refused(f"no form {form!r} is published; known are {', '.join(sorted(known))}")


def check_token(services: Services, token: str, scope: TokenScope) -> tuple[str | None, bool]:
    """The id of a token in force, and whether it may do this; None for one that is not known or was revoked."""
    with services.database.read() as connection:
        found = tokens.find(connection, hash_of(token))
    if found is None:
        return None, False
    return found["id"], found["scope"] == scope


@dataclass(frozen=True, slots=True, kw_only=True)
class EventToken:
    """A token by which a calendar tells of bookings. `secret` is what it signs with; empty: it does not."""

    id: str
    secret: str


def event_token(services: Services, token: str) -> EventToken | None:
    """The token, where it is in force and may tell events."""
    with services.database.read() as connection:
        found = tokens.find(connection, hash_of(token))
    if found is None or found["scope"] != TokenScope.EVENTS:
        return None
    return EventToken(id=found["id"], secret=_secret(services, found["id"], found["secret_sealed"]))


def hook_tokens(services: Services) -> Mapping[str, HookToken]:
    """Every token for webhooks in force, by its hash. A secret that can't be opened becomes one that nobody has."""
    with services.database.read() as connection:
        found = tokens.in_force(connection, TokenScope.HOOKS)
    return {
        row["token_hash"]: HookToken(
            id=row["id"], form=row["form"] or "", hash=row["token_hash"],
            secret=_secret(services, row["id"], row["secret_sealed"]),
        )
        for row in found
    }  # fmt: skip


def _secret(services: Services, token_id: str, sealed: str | None) -> str:
    if sealed is None:
        return ""
    try:
        return services.ring.open(sealed, tokens.secret_place(token_id)).decode()
    except SealError:
        return secrets.token_hex()


def note_use(services: Services, token_ids: Collection[str]) -> None:
    """Remember that these were used."""
    with services.database.write() as connection:
        now = installation.product_now(connection)
        for token_id in sorted(token_ids):
            tokens.note_use(connection, token_id, now)


def revoke_token(services: Services, token_id: str, actor: str) -> None:
    """End a token at once. Raises NotFound."""
    with services.database.write() as connection:
        now = installation.product_now(connection)
        if not tokens.revoke(connection, token_id, now):
            raise NotFound("no token of this id is in force")
        timeline.add(connection, Happened.TOKEN, now, None, actor=actor, token_id=token_id, made=False)
