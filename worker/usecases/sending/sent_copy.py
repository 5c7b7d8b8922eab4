"""The exact copy of an email that went out: from the content that it was sent from, kept for ever (I7).

Its links do nothing here, so that a look never unsubscribes or confirms anyone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from worker.content.render import Rendered
from worker.errors import NotFound
from worker.storage import installation, leads, sends, timeline
from worker.storage.leads import Identity
from worker.storage.timeline import Happened
from worker.usecases.sending.compose import INERT_LINKS, render_send
from worker.usecases.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class SentCopy:
    """A send, and its email as it was read."""

    send: Mapping[str, Any]
    rendered: Rendered


def note_look(services: Services, send_id: str, actor: str) -> None:
    """Write down that someone looks at a copy that greets a person by name. Raises NotFound."""
    with services.database.write() as connection:
        send = sends.by_id(connection, send_id)
        if send is None:
            raise NotFound("there is no such email, or it was erased")
        now = installation.product_now(connection)
        timeline.add(connection, Happened.REVEALED, now, send["lead_id"], actor=actor, send_id=send_id)


def read_copy(services: Services, lead_id: str, send_id: str, *, with_name: bool) -> SentCopy:
    """The copy; without the name, the greeting is the one for people who gave none. Raises NotFound."""
    with services.database.read() as connection:
        send = sends.by_id(connection, send_id)
        if send is None or send["lead_id"] != lead_id or send["snapshot"] is None:
            raise NotFound("no email of this lead has this id and has gone out")
        renderer = services.content.at(connection, send["snapshot"])
        lead = leads.by_ids(connection, [lead_id])[lead_id]
    identity = (services.vault.readable_identity(lead) if with_name else None) or Identity()
    return SentCopy(send=send, rendered=render_send(renderer, send, identity, INERT_LINKS, services.public_url))
