"""A service outside that expects a sign of life, and tells someone when it stays away (a dead man's switch)."""

from __future__ import annotations

from worker.errors import TransientDeliveryError
from worker.outgoing import OutgoingError, OutgoingSession
from worker.reach import Reach


class Watchman:
    """Calls one address. It holds a secret, so it is never shown."""

    def __init__(self, url: str, reach: Reach) -> None:
        self._url = url
        self._session = OutgoingSession(reach)

    def call(self) -> None:
        """Give a sign of life, and nothing else. Raises TransientDeliveryError."""
        try:
            answer = self._session.get(self._url)
        except OutgoingError as error:
            raise TransientDeliveryError(type(error).__name__) from error
        if not answer.ok or answer.is_redirect:
            raise TransientDeliveryError(f"http_{answer.status_code}")
