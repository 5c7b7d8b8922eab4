"""The tokens for webhooks, held in memory: a vendor is answered within a second, whatever the database does.

Looked at again every few seconds, and at once for a token that is not known.
"""

from __future__ import annotations

import time

import structlog
from sqlalchemy.exc import SQLAlchemyError

from worker.domain.tokens import PREFIX, hash_of
from worker.usecases.services import Services
from worker.usecases.staff.tokens import HookToken, hook_tokens, note_use

log = structlog.get_logger()

_EVERY_S = 10.0


class HookTokens:
    """What the database last said. Until it has, a token is taken at its word, and its posts are set aside."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: dict[str, HookToken] | None = None
        self._looked_at = float("-inf")
        self._used: set[str] = set()

    def refresh(self) -> None:
        """Look again, if it is time."""
        if time.monotonic() - self._looked_at >= _EVERY_S:
            self.look()

    def look(self) -> None:
        """Ask the database. Never raises."""
        self._looked_at = time.monotonic()
        used, self._used = self._used, set()
        try:
            self._known = dict(hook_tokens(self._services))
            if used:
                note_use(self._services, used)
        except SQLAlchemyError:
            log.warning("hooks.tokens_not_refreshed")

    def is_known(self, token: str) -> bool:
        """True when there is no need to look again."""
        return self._known is not None and hash_of(token) in self._known

    def find(self, token: str) -> tuple[HookToken | None, bool]:
        """The token, and whether it was checked; None for one that is not in force."""
        token_hash = hash_of(token)
        if self._known is None:
            form, dot, _ = token.removeprefix(PREFIX).partition(".")
            return (HookToken(id="", form=form, hash=token_hash), False) if dot else (None, False)
        found = self._known.get(token_hash)
        if found is not None:
            self._used.add(found.id)
        return found, True
