"""Read what is new in a mailbox: each mail is recorded before it counts as read, and deleted after that, if at all.

A crash in between reads it again, which changes nothing. A mailbox never read before begins a week ago.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import structlog
from imapclient.exceptions import IMAPClientError

from worker.feedback.imap import OpenMailbox
from worker.storage import delivery_events, mailboxes
from worker.storage.mailboxes import Position
from worker.usecases.feedback.receive_mail import NOT_OURS, receive_mail
from worker.usecases.services import Services

log = structlog.get_logger()

BUDGET_S = 20.0

_FIRST_LOOK = timedelta(days=7)


def poll_mailboxes(services: Services, budget_s: float = BUDGET_S) -> Counter[str]:
    """Read every mailbox for a while; what came of it. One that does not answer is counted, and left for next time."""
    total: Counter[str] = Counter()
    until = time.monotonic() + budget_s
    for mailbox in services.mailboxes:
        try:
            with mailbox.open() as opened:
                total += _read_new(services, mailbox.key, opened, until)
            _count(services, mailbox.key, delivery_events.POLLED)
        except (IMAPClientError, OSError) as error:
            log.warning("mailbox.unreachable", error=type(error).__name__)
            _count(services, mailbox.key, delivery_events.UNREACHABLE)
            total[delivery_events.UNREACHABLE] += 1
    return total


def _read_new(services: Services, key: str, mailbox: OpenMailbox, until: float) -> Counter[str]:
    total: Counter[str] = Counter()
    with services.database.read() as connection:
        known = mailboxes.position(connection, key)
    if known is not None and known.uid_validity == mailbox.uid_validity:
        waiting = mailbox.uids_after(known.last_uid)
    else:
        waiting = mailbox.uids_since((datetime.now(UTC) - _FIRST_LOOK).date())
    for uid in waiting:
        if time.monotonic() >= until:
            break
        raw = mailbox.read(uid)
        became = receive_mail(services, raw) if raw is not None else Counter[str]()
        with services.database.write() as connection:
            mailboxes.move(connection, key, Position(mailbox.uid_validity, uid))
        if became and NOT_OURS not in became:
            mailbox.remove(uid)
        total += became
    return total


def _count(services: Services, mailbox: str, what: str) -> None:
    with services.database.write() as connection:
        delivery_events.count(connection, f"mailbox-{mailbox[:12]}", what)
