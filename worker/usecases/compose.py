"""Compose one message: a rendered email in its envelope, with the links that are this send's own.

Links carry opaque tokens only: no address, no condition. The same send always composes the same identity
(Message-ID, return path, tokens), so a retry is recognisably the same message.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.content.catalog import Catalog
from worker.content.render import Person, Rendered, Renderer
from worker.delivery.base import Message
from worker.delivery.mime import Letter, build
from worker.domain.leads import Location
from worker.domain.sends import SendKind
from worker.storage.leads import Identity
from worker.storage.sealing import LookupKey


def compose(
    renderer: Renderer,
    send: Mapping[str, Any],
    identity: Identity,
    lookup: LookupKey,
    public_url: str,
    date: datetime,
) -> Message:
    """The finished message of a send. Raises TemplateError; ValueError for a header that must not leave."""
    if identity.email is None:
        raise ValueError("a send to nobody")
    location = Location(send["location"])
    sender_name, sender_address, reply_to = _sender(renderer.catalog, location)
    domain = sender_address.rpartition("@")[2]
    rendered = render_send(renderer, send, identity, lookup, public_url)
    content = build(
        Letter(
            from_name=sender_name,
            from_address=sender_address,
            to=identity.email,
            reply_to=reply_to,
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            date=date,
            message_id=f"{send['id']}@{domain}",
            unsubscribe_url=_unsubscribe_url(send, lookup, public_url),
            list_id=f"{_stream(send)}.{domain}",
            feedback_id=f"{_stream(send)}:{location}:worker:clinic",
        )
    )
    return Message(
        send_id=send["id"],
        envelope_from=f"bounce+{UUID(send['id']).hex}@{domain}",
        recipient=identity.email,
        content=content,
    )


def render_send(
    renderer: Renderer, send: Mapping[str, Any], identity: Identity, lookup: LookupKey, public_url: str
) -> Rendered:
    """The email of a send, as its recipient reads it. Raises TemplateError."""
    person = Person(
        first_name=identity.first_name,
        unsubscribe_url=_unsubscribe_url(send, lookup, public_url),
        choose_url=f"{public_url}/choose/{make_token(send['lead_id'], 'choose', lookup)}",
        confirm_url=f"{public_url}/confirm/{make_token(send['lead_id'], 'confirm', lookup)}",
    )
    return renderer.compiled(send["email"], Location(send["location"]), send["sequence"]).for_person(person)


def make_token(subject: str, purpose: str, lookup: LookupKey) -> str:
    """A permanent link token for a UUID: the id and a 128-bit signature, both URL-safe."""
    packed = base64.urlsafe_b64encode(UUID(subject).bytes).decode().rstrip("=")
    return f"{packed}.{lookup.sign(subject, purpose)}"


def read_token(token: str, purpose: str, lookup: LookupKey) -> str | None:
    """The UUID that a token was made for; None where it was not made here, for this purpose."""
    packed, _, signature = token.partition(".")
    try:
        subject = str(UUID(bytes=base64.urlsafe_b64decode(packed + "==")))
    except ValueError:
        return None
    return subject if lookup.has_signed(subject, signature, purpose) else None


def _unsubscribe_url(send: Mapping[str, Any], lookup: LookupKey, public_url: str) -> str:
    return f"{public_url}/u/{make_token(send['id'], 'unsubscribe', lookup)}"


def _sender(catalog: Catalog, location: Location) -> tuple[str, str, str]:
    clinic = catalog.clinic
    if location in clinic.places:
        place = clinic.places[location]
        return place.sender_name, place.sender_address, place.reply_to
    return clinic.undecided_sender_name, clinic.undecided_sender_address, clinic.undecided_reply_to


def _stream(send: Mapping[str, Any]) -> str:
    return "education" if send["kind"] == SendKind.NURTURE else "answers"
