"""Read what an operator writes about rates and warm-up: `NURTURE_SEND_RATE` and `NURTURE_WARM_UP`."""

from __future__ import annotations

import re
from datetime import date

import limits

from worker.domain.mailboxes import Mailbox
from worker.domain.manners import Manners, WarmUp
from worker.domain.rates import Rate

OFF = "off"

USUAL: dict[str, str] = {
    "smtp": "10/second",  # what a shared relay bears
    "smtps": "10/second",
    "ses": "14/second",  # what an account is given on leaving the sandbox
    "resend": "2/second",  # its documented limit; more on request
    "postmark": "50/second",
    "mailgun": "50/second",
    "sendgrid": "50/second",
}
"""By the scheme of `NURTURE_MAIL_URL`, where nothing is set. What stays on this machine has no limit."""

_MAILBOX_FIRST = re.compile(rf"({'|'.join(Mailbox)})\s+(.+)")
_CAPS = re.compile(r"(\d{4}-\d{2}-\d{2})\s*:\s*(\d+(?:\s+\d+)*)")


def read_manners(send_rate: str, warm_up: str, mail_url: str) -> Manners:
    """The manners of these settings. Raises ValueError, which says how to write them."""
    written = send_rate.strip() or USUAL.get(mail_url.partition(":")[0], OFF)
    provider: Rate | None = None
    mailboxes: dict[Mailbox, Rate] = {}
    for part in [] if written == OFF else written.split(","):
        if match := _MAILBOX_FIRST.fullmatch(part.strip()):
            mailboxes[Mailbox(match[1])] = _rate(match[2])
        else:
            provider = _rate(part)
    return Manners(provider=provider, mailboxes=mailboxes, warm_up=_warm_up(warm_up))


def _rate(text: str) -> Rate:
    try:
        item = limits.parse(text.strip())
    except ValueError:
        raise ValueError("must read like 14/second, gmail 5/second, microsoft 30/minute; or off") from None
    return Rate(count=item.amount, seconds=item.get_expiry())


def _warm_up(text: str) -> WarmUp | None:
    if not text.strip():
        return None
    match = _CAPS.fullmatch(text.strip())
    if match is None:
        raise ValueError("must read like 2026-12-01: 20 40 80 160, the first day and each day's cap")
    return WarmUp(start=date.fromisoformat(match[1]), caps=tuple(map(int, match[2].split())))
