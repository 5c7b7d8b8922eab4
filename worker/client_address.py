"""Who asks: the connection's address, or the last untrusted one of X-Forwarded-For behind known proxies."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from starlette.requests import Request


class ClientAddress:
    """Believes X-Forwarded-For from these proxies (a list of networks) and from nobody else."""

    def __init__(self, trusted_proxies: str) -> None:
        self._trusted = [ip_network(part.strip()) for part in trusted_proxies.split(",") if part.strip()]

    def of(self, request: Request) -> str:
        """The client's address. It is for limits only; it is never stored or logged."""
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
