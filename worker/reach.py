"""Which hosts may be called: the public internet by TLS, and beyond it only what the operator vouches for."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network

Address = IPv4Address | IPv6Address

_NAT64 = ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Where calls may go beside the public internet, by TLS.

    `private_hosts` are names or addresses that the operator has vouched for; they may be called in clear.
    """

    private_hosts: frozenset[str] = frozenset()
    allows_loopback: bool = False

    @classmethod
    def parse(cls, hosts: str, *, allows_loopback: bool) -> Reach:
        """From a setting: names separated by commas."""
        names = frozenset(name.strip().lower() for name in hosts.split(",") if name.strip())
        return cls(private_hosts=names, allows_loopback=allows_loopback)

    def allows(self, host: str, address: Address) -> bool:
        """True when this host, which stands at this address, may be called."""
        if host.lower().strip("[]") in self.private_hosts:
            return True
        if self.allows_loopback and _real(address).is_loopback:
            return True
        return is_public(address)

    def allows_clear_text(self, host: str) -> bool:
        """True when plain http will do for this host; its address is judged as well."""
        return self.allows_loopback or host.lower().strip("[]") in self.private_hosts


def is_public(address: Address) -> bool:
    """True for an address of the public internet, also where another one is wrapped in it."""
    real = _real(address)
    return real.is_global and not real.is_multicast and not real.is_reserved


def _real(address: Address) -> Address:
    """The address that would be reached: IPv6 has several ways to spell an IPv4 one."""
    if isinstance(address, IPv4Address):
        return address
    wrapped = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
    if wrapped is None and address in _NAT64:
        wrapped = IPv4Address(int(address) & 0xFFFFFFFF)
    return wrapped or address
