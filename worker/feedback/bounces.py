"""Bounces by mail: delivery status notifications (RFC 3464), and the plain text of systems that do not write them.

Our send is known by the address that the bounce came back to (VERP), else by the Message-ID of what is returned.
"""

from __future__ import annotations

import re
from email.message import Message

from worker.domain.feedback import DeliveryEvent, EventKind, kind_of_status
from worker.feedback.base import send_id_in, status_in
from worker.feedback.parts import MAX_TEXT, header, headers, parts_of, text_of

_VAGUE = frozenset({"", "4.0.0", "5.0.0", "5.3.0", "5.4.1", "5.5.0"})
"""Status codes that some systems write for everything; there the words decide."""

_WORDS: tuple[tuple[re.Pattern[str], EventKind], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"mailbox (?:is )?full|over ?quota|quota exceeded|out of storage", EventKind.SOFT_BOUNCE),
        (r"spam|block ?list|black ?list|blocked|dmarc|\bspf\b|dkim|reputation|unsolicited|denied by policy|policy "
         r"(?:reasons|violation)|too many|rate limit", EventKind.OUR_FAULT),
        (r"user unknown|unknown user|no such (?:user|recipient|mailbox|person|address)|(?:does not|doesn't) (?:exist|"
         r"have an? \S+ account)|mailbox (?:unavailable|not found|disabled)|account (?:has been |is )?(?:disabled|"
         r"inactive|closed|suspended|deactivated)|invalid (?:mailbox|recipient)|unrouteable address|recipientnotfound|"
         r"recipient address rejected|unknown or illegal alias|no mailbox here|wasn't found|couldn't be found",
         EventKind.HARD_BOUNCE),
        (r"timed? ?out|connection refused|temporar|try again|lost connection|host (?:or domain name )?not found|"
         r"not respond|unreachable", EventKind.SOFT_BOUNCE),
    )
)  # fmt: skip
"""What servers say in words, the first match wins: only where no status code says it better."""

_DELAYED = re.compile(
    r"\bdelay|still (?:being )?(?:trying|tried|retried)|not yet been delivered|will (?:keep|be) (?:re)?tr", re.I
)
_CLASS = re.compile(r"(?<![\d.])([45])\d\d(?=[ -])")
_ACTIONS = {
    "failed": None,  # by its status
    "delayed": EventKind.DEFERRED,
    "delivered": EventKind.DELIVERED,
    "relayed": EventKind.DELIVERED,
    "expanded": EventKind.DELIVERED,
}


def is_report(message: Message) -> bool:
    """True for a delivery status notification."""
    return bool(parts_of(message, "message/delivery-status"))


def read_report(message: Message, event_id: str, recipient: str) -> list[DeliveryEvent | str | None]:
    """One event for each recipient that the notification speaks of; ours have one."""
    (report, *_) = parts_of(message, "message/delivery-status")
    blocks = report.get_payload()
    groups = (
        [block for block in blocks if isinstance(block, Message) and "Action" in block]
        if isinstance(blocks, list)
        else []
    )
    send_id = _send_of(message, recipient)
    if not groups:
        return ["mail_unknown_report"] if send_id else [None]  # somebody else's is none of our business
    return [_of_group(group, f"{event_id}/{number}", send_id) for number, group in enumerate(groups)]


def read_words(message: Message, event_id: str, recipient: str) -> list[DeliveryEvent | str | None]:
    """The event of a bounce in plain words (qmail, old Exim); a code where the words are not known."""
    text, send_id = _said(message), _send_of(message, recipient)
    if send_id is None:
        return [None]  # not about an email of ours
    status = status_in(text)
    if _DELAYED.search(header(message, "Subject")) or (_DELAYED.search(text[:2000]) and not _judge(status, text)):
        kind: EventKind | None = EventKind.DEFERRED
    else:
        kind = _judge(status, text)
    if kind is None:
        return ["mail_unknown_bounce"]
    return [DeliveryEvent(event_id=event_id, kind=kind, code=status, send_id=send_id)]


def _of_group(group: Message, event_id: str, send_id: str | None) -> DeliveryEvent | str:
    action = header(group, "Action").split(" ")[0].lower()
    if action not in _ACTIONS:
        return "mail_unknown_action"
    said = header(group, "Diagnostic-Code")
    status = status_in(header(group, "Status"))
    if status in _VAGUE:
        status = status_in(said.replace(status, "")) or status
    kind = _ACTIONS[action] or _judge(status, said) or EventKind.SOFT_BOUNCE
    return DeliveryEvent(event_id=event_id, kind=kind, code=status, send_id=send_id)


def _judge(status: str, said: str) -> EventKind | None:
    if status not in _VAGUE:
        return kind_of_status(status)
    by_words = next((kind for pattern, kind in _WORDS if pattern.search(said[:MAX_TEXT])), None)
    code = _CLASS.search(said)
    if by_words is EventKind.HARD_BOUNCE and code and code[1] == "4":
        return EventKind.SOFT_BOUNCE  # it may yet turn out to exist
    return by_words


def _said(message: Message) -> str:
    """The words before the copy of what is returned, which holds words of ours."""
    text = "\n".join(text_of(part) for part in parts_of(message, "text/plain")[:1])[:MAX_TEXT]
    return re.split(
        r"^-+ ?(?:Below this line|This is a copy|Original message|The body of)|^Return-Path:", text, flags=re.M
    )[0]


def _send_of(message: Message, recipient: str) -> str | None:
    returned = [
        value
        for kind in ("message/rfc822", "text/rfc822-headers")
        for part in parts_of(message, kind)
        for value in _ids_within(part)
    ]
    back_to = headers(message, "Delivered-To", "X-Original-To", "To")
    whole = "\n".join(text_of(part) for part in parts_of(message, "text/plain"))[: MAX_TEXT * 2]
    copied = re.findall(r"^(?:Message-ID|Return-Path): *(.*)$", whole, re.IGNORECASE | re.MULTILINE)
    return send_id_in(recipient, *back_to, *returned, *headers(message, "In-Reply-To", "References"), *copied)


def _ids_within(part: Message) -> list[str]:
    payload = part.get_payload()
    if isinstance(payload, list) and payload and isinstance(payload[0], Message):
        return headers(payload[0], "Message-ID", "Return-Path")
    return re.findall(r"^(?:Message-ID|Return-Path): *(.*)$", text_of(part), re.IGNORECASE | re.MULTILINE)
