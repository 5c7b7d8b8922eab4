"""Sends whose outcome nobody knows, with all that can be found out before a person decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from worker.delivery.base import Receipt
from worker.storage import delivery_events, installation, leads, sends
from worker.usecases.services import Services

_SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownSend:
    """One of them. `events` are what the provider has told of it since."""

    send: Mapping[str, Any]
    lead: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknowns:
    """All of them, the longest unknown first. `can_ask`: the provider can be asked about one."""

    sends: Sequence[UnknownSend]
    can_ask: bool
    repeats_by_itself: bool
    now: datetime


def read_unknown(services: Services) -> Unknowns:
    """Look at them; nothing is asked of the provider yet."""
    with services.database.read() as connection:
        found = sends.in_doubt(connection, _SHOWN)
        people = leads.by_ids(connection, {send["lead_id"] for send in found})
        events = delivery_events.of_sends(connection, [send["id"] for send in found])
        return Unknowns(
            sends=[
                UnknownSend(
                    send=send,
                    lead=people[send["lead_id"]],
                    events=[event for event in events if event["send_id"] == send["id"]],
                )
                for send in sorted(found, key=lambda send: send["handed_over_at"])
            ],
            can_ask=services.provider.can_look_up,
            repeats_by_itself=services.provider.key_ttl is not None,
            now=installation.product_now(connection),
        )


def ask_provider(services: Services, send_id: str) -> Receipt | None:
    """What whoever was given a send knows of it now; None where it has not taken it, or can't tell."""
    with services.database.read() as connection:
        send = sends.by_id(connection, send_id)
        people = leads.by_ids(connection, [send["lead_id"]]) if send else {}
    return next((services.provider_for(lead).lookup(send_id) for lead in people.values()), None)
