"""Which of the large mailbox providers an address belongs to: five classes, so that rates can be kept for each.

The class is derived when a message is at the gate and forgotten again. Counting by domain would keep, in clear,
something of the address itself; counting by these five says nothing about anybody.
"""

from __future__ import annotations

from enum import StrEnum


class Mailbox(StrEnum):
    """Who runs a mailbox, as far as sending rates are concerned."""

    GMAIL = "gmail"
    YAHOO = "yahoo"
    MICROSOFT = "microsoft"
    APPLE = "apple"
    OTHER = "other"


_DOMAINS: dict[Mailbox, frozenset[str]] = {
    Mailbox.GMAIL: frozenset({"gmail.com", "googlemail.com"}),
    Mailbox.YAHOO: frozenset({"yahoo.com", "ymail.com", "rocketmail.com", "aol.com", "myyahoo.com", "aim.com"}),
    Mailbox.MICROSOFT: frozenset({"outlook.com", "hotmail.com", "live.com", "msn.com", "passport.com"}),
    Mailbox.APPLE: frozenset({"icloud.com", "me.com", "mac.com"}),
}
"""The domains that they give to people in the United States."""


def mailbox_of(address: str) -> Mailbox:
    """The class of an address. A company's own domain is `OTHER`, wherever its mail is kept: we do not ask."""
    domain = address.rpartition("@")[2].casefold()
    return next((mailbox for mailbox, domains in _DOMAINS.items() if domain in domains), Mailbox.OTHER)
