"""Compose one message: a rendered email in its envelope, with the links that are this send's own.

Links carry opaque tokens only: no address, no condition. The same send always composes the same identity
(Message-ID, return path, tokens), so a retry is recognisably the same message.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from worker.content.catalog import Catalog
from worker.content.render import MARKS, CompiledEmail, Person, Rendered, Renderer, split_at_marks
from worker.content.uses import Use
from worker.delivery.base import Message
from worker.delivery.fields import Fields
from worker.delivery.mime import Frame
from worker.delivery.quoted import Quoted
from worker.domain.leads import Location, greeting
from worker.domain.sends import SendKind
from worker.storage.leads import Identity
from worker.storage.sealing import LookupKey

ADDRESSEE = ("email", "first_name")
"""What a message needs of an identity."""

INERT_LINKS = LookupKey(b"preview: links made with this key do nothing")
"""Signs the links of what is only looked at: no installation has this key, so none of its own accepts them."""

INERT_ID = "00000000-0000-5000-8000-000000000000"
"""The send, and the lead, of what is only looked at: neither exists."""


def inert_send(catalog: Catalog, use: Use, send_id: str = INERT_ID) -> Mapping[str, Any]:
    """A send of this email to nobody, for previews, lint and tests to colleagues."""
    email, location, sequence = use
    return {
        "id": send_id,
        "lead_id": INERT_ID,
        "email": email,
        "location": location,
        "sequence": sequence,
        "kind": catalog.emails[email].purpose.send_kind,
    }


def compose(
    renderer: Renderer,
    send: Mapping[str, Any],
    identity: Identity,
    lookup: LookupKey,
    public_url: str,
    date: datetime,
) -> Message:
    """The finished message of a send. Raises TemplateError; ValueError for a header that must not leave.

    Reads like `render_send`, to the letter; but only what is this person's own is made for this message.
    """
    if identity.email is None:
        raise ValueError("a send to nobody")
    compiled, sender, domain, frame = _made(renderer, send["email"], send["location"], send["sequence"], send["kind"])
    links = _links(send, lookup, public_url, frame.gaps)
    values = {MARKS["greeting"]: greeting(identity.first_name, compiled.language), **links}
    html_values = {mark: html.escape(value, quote=True) for mark, value in values.items()}
    to, message_id, unsubscribe_url = identity.email, f"{send['id']}@{domain}", links[MARKS["unsubscribe"]]

    def parts() -> Fields:
        rendered = compiled.filled(values, html_values)
        return Fields(
            from_name=sender.name,
            from_address=sender.address,
            to=to,
            reply_to=sender.reply_to,
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            message_id=f"<{message_id}>",
            headers=frame.headers(unsubscribe_url),
        )

    return Message(
        send_id=send["id"],
        envelope_from=f"bounce+{send['id'].replace('-', '')}@{domain}",
        recipient=to,
        content=frame.filled(
            to=to,
            date=date,
            message_id=message_id,
            unsubscribe_url=unsubscribe_url,
            text_values=values,
            html_values=html_values,
        ),
        parts=parts,
    )


class _Sender(NamedTuple):
    name: str
    address: str
    reply_to: str


class _Made(NamedTuple):
    """What all messages of an email have alike, of one location, sequence and kind."""

    compiled: CompiledEmail
    sender: _Sender
    domain: str
    frame: Frame


@lru_cache(maxsize=256)
def _made(renderer: Renderer, email: str, place: str, sequence: str | None, kind: str) -> _Made:
    location = Location(place)
    sender, compiled = _sender(renderer.catalog, location), renderer.compiled(email, location, sequence)
    domain, stream = sender.address.rpartition("@")[2], "education" if kind == SendKind.NURTURE else "answers"
    frame = Frame.of(
        from_name=sender.name,
        from_address=sender.address,
        reply_to=sender.reply_to,
        subject=compiled.subject,
        list_id=f"{stream}.{domain}",
        feedback_id=f"{stream}:{location}:worker:clinic",
        text=Quoted.of(split_at_marks(compiled.text)),
        html=Quoted.of(split_at_marks(compiled.html)),
    )
    return _Made(compiled, sender, domain, frame)


def _links(send: Mapping[str, Any], lookup: LookupKey, public_url: str, needed: Collection[str]) -> dict[str, str]:
    """The links that this message shows, by their marks; the one to unsubscribe is in its headers anyway."""
    links = {MARKS["unsubscribe"]: _unsubscribe_url(send, lookup, public_url)}
    for purpose in ("choose", "confirm"):
        if MARKS[purpose] in needed:
            links[MARKS[purpose]] = f"{public_url}/{purpose}/{make_token(send['lead_id'], purpose, lookup)}"
    return links


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
    packed = base64.urlsafe_b64encode(bytes.fromhex(subject.replace("-", ""))).decode().rstrip("=")
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


def _sender(catalog: Catalog, location: Location) -> _Sender:
    clinic = catalog.clinic
    if location in clinic.places:
        place = clinic.places[location]
        return _Sender(place.sender_name, place.sender_address, place.reply_to)
    return _Sender(clinic.undecided_sender_name, clinic.undecided_sender_address, clinic.undecided_reply_to)
