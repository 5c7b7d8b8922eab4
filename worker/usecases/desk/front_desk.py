"""What the front desk has to do now: who may be in danger first, then what was set aside, then who waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from worker.domain.clinic import Clinic
from worker.domain.leads import Location
from worker.domain.response import Response
from worker.storage import alerts, installation, leads, submissions
from worker.usecases.desk.answer import stands
from worker.usecases.services import Services

_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiter:
    """A lead who waits for an answer, and how long in working hours."""

    lead: Mapping[str, Any]
    response: Response


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontDesk:
    """Leads held until someone has looked, submissions in quarantine, and everyone who waits, longest first.

    `urgent` are leads whose urgent messages nobody has acknowledged yet.
    """

    held: Sequence[Mapping[str, Any]]
    urgent: frozenset[str]
    quarantined: Sequence[Mapping[str, Any]]
    waiting: Sequence[Waiter]
    clinic: Clinic
    now: datetime


def read_front_desk(services: Services, limit: int = _SHOWN, location: Location | None = None) -> FrontDesk:
    """Look at it, or at one location's part of it. Raises ConfigurationError before the first publish."""
    with services.database.read() as connection:
        now = installation.product_now(connection)
        _, renderer = services.content.renderer(connection)
        clinic = renderer.catalog.clinic
        held = leads.held(connection, limit)
        return FrontDesk(
            held=held,
            urgent=alerts.urgent_leads(connection, [lead["id"] for lead in held]),
            quarantined=submissions.quarantined(connection, limit),
            waiting=[
                Waiter(lead=lead, response=stands(clinic, lead, now))
                for lead in leads.waiting(connection, limit, location)
            ],
            clinic=clinic,
            now=now,
        )
