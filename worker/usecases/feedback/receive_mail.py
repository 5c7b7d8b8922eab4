"""Receive one mail that came back: a bounce, a complaint, a robot's answer or a person's reply; once each.

What is none of our business is counted and left where it lies. What our own code fails on is parked whole.
"""

from __future__ import annotations

from collections import Counter

import structlog

from worker.feedback.base import Reading
from worker.feedback.mail import SOURCE, Reply, read_mail
from worker.storage import delivery_events
from worker.usecases.feedback.receive_feedback import park, receive_reading
from worker.usecases.feedback.receive_reply import receive_reply
from worker.usecases.services import Services

log = structlog.get_logger()

NOT_OURS = "not_ours"


def receive_mail(services: Services, raw: bytes, recipient: str = "") -> Counter[str]:
    """Receive it; what became of it. `recipient` is the address that it was delivered to, where that is known."""
    try:
        found = read_mail(raw, recipient)
    except Exception as error:
        log.exception("mail.not_read")
        park(services, SOURCE, raw, type(error).__name__)
        return Counter({delivery_events.PARKED: 1})
    match found:
        case Reading(events=(), unmapped=()) | None:
            return _leave(services)
        case Reading():
            return receive_reading(services, SOURCE, found, raw)
        case Reply():
            became = receive_reply(services, found)
            return Counter({became: 1}) if became else _leave(services)


def _leave(services: Services) -> Counter[str]:
    with services.database.write() as connection:
        delivery_events.count(connection, SOURCE, NOT_OURS)
    return Counter({NOT_OURS: 1})
