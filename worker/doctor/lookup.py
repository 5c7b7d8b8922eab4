"""DNS look-ups with a time limit, by the system's name servers or one that the operator names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.inet
import dns.nameserver
import dns.resolver

from worker.errors import ConfigurationError

TIMEOUT_S = 2.0


class DnsSilent(Exception):
    """No name server has answered: nothing can be told."""


@dataclass(frozen=True, slots=True)
class MailHost:
    """One MX record."""

    preference: int
    host: str


@dataclass(frozen=True, slots=True)
class Lookup:
    """Asks one resolver, so that all checks speak of the same zone."""

    resolver: dns.resolver.Resolver

    def texts(self, name: str) -> list[str]:
        """The TXT records of a name, each joined; none where there are none. Raises DnsSilent."""
        answers = self._ask(name, "TXT")
        return [b"".join(answer.strings).decode("utf-8", "replace") for answer in answers]

    def mail_hosts(self, name: str) -> list[MailHost]:
        """The MX records of a name, the preferred first. Raises DnsSilent."""
        answers = self._ask(name, "MX")
        found = [MailHost(answer.preference, answer.exchange.to_text().rstrip(".").lower()) for answer in answers]
        return sorted(found, key=lambda record: record.preference)

    def has_address(self, name: str) -> bool:
        """True when the name leads to a machine. Raises DnsSilent."""
        return bool(self._ask(name, "A") or self._ask(name, "AAAA"))

    def _ask(self, name: str, kind: str) -> Sequence[Any]:
        try:
            return list(self.resolver.resolve(name, kind, search=False))
        except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
            return []
        except dns.exception.DNSException as error:
            raise DnsSilent(type(error).__name__) from None


def make_lookup(server: str) -> Lookup:
    """By this server (`ADDRESS` or `ADDRESS:PORT`), or by the system's. Raises ConfigurationError, DnsSilent."""
    try:
        resolver = dns.resolver.Resolver(configure=not server)
    except dns.resolver.NoResolverConfiguration:
        raise DnsSilent("this machine names no name server") from None
    if server:
        resolver.nameservers = [_named(server)]
    resolver.timeout, resolver.lifetime = 1.0, TIMEOUT_S
    return Lookup(resolver)


def _named(server: str) -> dns.nameserver.Nameserver:
    has_port = server.count(":") == 1 or "]:" in server
    address, _, port = server.rpartition(":") if has_port else (server, "", "53")
    try:
        return dns.nameserver.Do53Nameserver(dns.inet.canonicalize(address.strip("[]")), int(port))
    except (ValueError, NotImplementedError):
        raise ConfigurationError(
            "NRT-E028", "the name server is no address", "write 192.0.2.53 or 192.0.2.53:5353"
        ) from None
