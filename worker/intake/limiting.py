"""Rate limits per client, in this process's memory: a limit that needs Redis would fail when it matters.

The client's address is the connection's, or the last untrusted one of X-Forwarded-For behind known proxies.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request


class ClientLimit:
    """At most so many posts per client, and per email address."""

    def __init__(self, limit: str, trusted_proxies: str) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._limit = None if limit == "off" else parse(limit)
        self._trusted = [ip_network(part.strip()) for part in trusted_proxies.split(",") if part.strip()]

    def allows(self, request: Request) -> bool:
        """False when this client has posted too much."""
        return self._limit is None or self._limiter.hit(self._limit, "client", self._client(request))

    def allows_address(self, address: str | None) -> bool:
        """False when too much was posted in the name of one email address, whoever posted it."""
        return self._limit is None or address is None or self._limiter.hit(self._limit, "address", address)

    def _client(self, request: Request) -> str:
        address = request.client.host if request.client else "unknown"
        hops = ",".join(request.headers.getlist("x-forwarded-for")).split(",")  # proxies may add lines of their own
        for hop in reversed(hops):
            if not self._is_trusted(address) or not hop.strip():
                break
            address = hop.strip()
        return address

    def _is_trusted(self, address: str) -> bool:
        try:
            return any(ip_address(address) in network for network in self._trusted)
        except ValueError:
            return False
