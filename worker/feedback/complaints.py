"""Complaints by mail: reports in the abuse reporting format (RFC 5965), as feedback loops send them."""

from __future__ import annotations

from email.message import Message

from worker.domain.feedback import DeliveryEvent, EventKind
from worker.feedback.base import send_id_in
from worker.feedback.parts import headers, parts_of, text_of

_TYPES = {
    "abuse": EventKind.COMPLAINED,
    "fraud": EventKind.COMPLAINED,
    "virus": EventKind.COMPLAINED,
    "other": EventKind.COMPLAINED,
    "opt-out": EventKind.UNSUBSCRIBED,
    "opt-out-list": EventKind.UNSUBSCRIBED,
    "not-spam": None,  # the opposite of a complaint
    "auth-failure": None,  # RFC 6591: about DMARC, not about a person
}


def is_report(message: Message) -> bool:
    """True for an abuse report."""
    return bool(parts_of(message, "message/feedback-report"))


def read_report(message: Message, event_id: str, recipient: str) -> list[DeliveryEvent | str | None]:
    """The complaint; a code for a type that is not known."""
    (report, *_) = parts_of(message, "message/feedback-report")
    fields = _fields(report)
    sort = fields.get("feedback-type", "").lower()
    send_id = send_id_in(fields.get("original-mail-from"), *_returned(message), recipient)
    if sort not in _TYPES:
        return ["mail_unknown_complaint"] if send_id else [None]
    kind = _TYPES[sort]
    if kind is None:
        return [None]
    return [DeliveryEvent(event_id=event_id, kind=kind, code=sort, send_id=send_id)]


def _fields(report: Message) -> dict[str, str]:
    """The report's fields. The parser takes them for the headers of a message within, or for text."""
    payload = report.get_payload()
    if isinstance(payload, list) and payload and isinstance(payload[0], Message):
        return {name.lower(): " ".join(str(value).split()) for name, value in payload[0].items()}
    lines = (line.partition(":") for line in text_of(report).splitlines())
    return {name.strip().lower(): value.strip() for name, colon, value in lines if colon}


def _returned(message: Message) -> list[str]:
    found: list[str] = []
    for part in parts_of(message, "message/rfc822"):
        payload = part.get_payload()
        if isinstance(payload, list) and payload and isinstance(payload[0], Message):
            found += headers(payload[0], "Message-ID", "Return-Path", "X-Original-Message-ID")
    return found + [text_of(part) for part in parts_of(message, "text/rfc822-headers")]
