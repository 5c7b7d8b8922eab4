"""A program tells what happened to a lead: a booking, a visit, a reply. Told twice, it happened once."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from worker.domain.events import LeadEvent
from worker.errors import Ambiguous, NotFound
from worker.storage import installation, lead_events, tokens
from worker.storage.leads import Vault
from worker.usecases.desk.find_lead import find_lead
from worker.usecases.events.record_event import note_event
from worker.usecases.services import Services


class OtherEvent(Exception):
    """This event's id was used to tell something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldEvent:
    """What was told. `names` are what the lead is known by there, the surest first. `may_be_early`: one of them may be
    known before there is a lead, as an address is."""

    event: LeadEvent
    names: tuple[str, ...]
    event_id: str | None
    may_be_early: bool = False


def tell_event(services: Services, told: ToldEvent, token_id: str) -> None:
    """Record it. Raises NotFound, Ambiguous, OtherEvent."""
    vault = services.vault
    with services.database.write() as connection:
        now = installation.product_now(connection)
        tokens.note_use(connection, token_id, now)
        lead_id = lead_meant(connection, vault, told.names)
        if told.event_id is not None:
            before = lead_events.record(connection, token_id, told.event_id, lead_id, told.event, now)
            if before is not None:
                if (before["lead_id"], before["event"]) != (lead_id, told.event):
                    raise OtherEvent
                return
        note_event(services, connection, lead_id, told.event, f"token {token_id}", now)


def lead_meant(connection: Connection, vault: Vault, names: tuple[str, ...]) -> str:
    """The lead by the first of these names that anyone has. Several people behind a name are never guessed at.

    Raises NotFound, Ambiguous.
    """
    for name in names:
        try:
            return find_lead(connection, vault, name)
        except Ambiguous:
            raise
        except NotFound:
            continue
    raise NotFound("no lead is known by this")
