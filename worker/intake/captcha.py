"""Cloudflare Turnstile, for forms that ask for it. It fails open, to quarantine: nobody is turned away by it.

Nothing about the person is sent there but the token that their browser got from there.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import structlog

from worker.outgoing import OutgoingError, OutgoingSession
from worker.reach import Reach

log = structlog.get_logger()

ORIGIN = "https://challenges.cloudflare.com"
SCRIPT = f"{ORIGIN}/turnstile/v0/api.js"
VERIFY = f"{ORIGIN}/turnstile/v0/siteverify"

FAILED, UNREACHABLE = "captcha.failed", "captcha.unreachable"
_PATIENCE_S = 3.0
_AT_ONCE = 4
_MAX_TOKEN = 2048


class Captcha:
    """Asks whether a token is good. Without a secret there is nothing to ask, and nothing is suspicious."""

    def __init__(self, site_key: str, secret: str, url: str, reach: Reach) -> None:
        self.site_key = site_key if secret else ""
        self._secret, self._url = secret, url or VERIFY
        self._session = OutgoingSession(reach)
        self._asking = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="captcha")

    async def suspicion(self, token: str) -> str | None:
        """None for a good token. Never waits longer than a few seconds, and never raises."""
        if not self.site_key:
            return None
        if not token or len(token) > _MAX_TOKEN:
            return FAILED
        asked = asyncio.get_running_loop().run_in_executor(self._asking, self._ask, token)
        try:
            return await asyncio.wait_for(asked, _PATIENCE_S)
        except TimeoutError:
            return UNREACHABLE

    def _ask(self, token: str) -> str | None:
        try:
            answer = self._session.post(
                self._url, data={"secret": self._secret, "response": token}, timeout=(_PATIENCE_S, _PATIENCE_S)
            )
            found = answer.json()
        except (OutgoingError, ValueError):
            log.warning("captcha.unreachable")
            return UNREACHABLE
        if answer.status_code != 200 or not isinstance(found, dict):
            return UNREACHABLE
        return None if found.get("success") is True else FAILED
