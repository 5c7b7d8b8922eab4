"""How our emails are received: what came back by sender, provider and kind of mailbox, and whom we leave alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from worker.domain.breaker import Breaker
from worker.domain.clinic import Clinic
from worker.domain.leads import Location
from worker.domain.tallies import OF_EMAILS, Figure, Tally
from worker.storage import breakers, installation, suppressions, tallies, timeline
from worker.storage.timeline import Happened
from worker.usecases.arrival.contact import normal_email
from worker.usecases.reports.tally import today_of
from worker.usecases.services import Services

DAYS = 30


@dataclass(frozen=True, slots=True)
class Carried:
    """Who wrote (the domain of From), who took it, and whose mailbox it was for."""

    domain: str
    provider: str
    mailbox: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliverability:
    """`stopped`: providers that are left alone just now. `suppressed`: how many addresses, by reason and origin."""

    carried: Mapping[Carried, Tally]
    total: Tally
    stopped: Mapping[str, Breaker]
    suppressed: Sequence[Mapping[str, Any]]


def read_deliverability(services: Services, days: int = DAYS) -> Deliverability:
    """The last so many days. Raises ConfigurationError before the first publish."""
    carried: dict[Carried, Tally] = {}
    with services.database.read() as connection:
        clinic = services.content.renderer(connection)[1].catalog.clinic
        today = today_of(services, connection)
        for row in tallies.read_mail(connection, today - timedelta(days=days - 1), today):
            key = Carried(sender_domain(clinic, row.location), row.provider, row.mailbox)
            counted = {figure: int(row._mapping[figure.value]) for figure in OF_EMAILS}
            carried.setdefault(key, Counter[Figure]()).update(counted)
        return Deliverability(
            carried=dict(sorted(carried.items(), key=lambda item: -item[1][Figure.SENT])),
            total=sum(carried.values(), Counter[Figure]()),
            stopped=breakers.not_closed(connection),
            suppressed=suppressions.counts(connection),
        )


def sender_domain(clinic: Clinic, location: str) -> str:
    """The domain that a location's emails come from."""
    place = clinic.places.get(Location(location))
    address = place.sender_address if place else clinic.undecided_sender_address
    return address.rpartition("@")[2]


def look_up_suppressions(services: Services, address: str, actor: str) -> list[Mapping[str, Any]]:
    """Why an address must not be written to; nothing where it may be. Someone looked, which is written down, though
    not for whom: an address stands nowhere in clear. Raises UnusableContact."""
    wanted = services.vault.email_hash(normal_email(address))
    with services.database.write() as connection:
        timeline.add(connection, Happened.SEARCHED, installation.product_now(connection), None, actor=actor)
        return suppressions.of_address(connection, wanted) if wanted else []
