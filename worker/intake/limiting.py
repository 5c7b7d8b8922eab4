"""Rate limits per client, in this process's memory: a limit that needs Redis would fail when it matters."""

from __future__ import annotations

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request

from worker.client_address import ClientAddress


class ClientLimit:
    """At most so many posts per client, and per email address."""

    def __init__(self, limit: str, trusted_proxies: str) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._limit = None if limit == "off" else parse(limit)
        self._address = ClientAddress(trusted_proxies)

    def allows(self, request: Request) -> bool:
        """False when this client has posted too much."""
        return self._limit is None or self._limiter.hit(self._limit, "client", self._address.of(request))

    def allows_address(self, address: str | None) -> bool:
        """False when too much was posted in the name of one email address, whoever posted it."""
        return self._limit is None or address is None or self._limiter.hit(self._limit, "address", address)
