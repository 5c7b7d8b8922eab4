"""Let an undecided person choose their clinic from the acknowledgement's link."""

from __future__ import annotations

from worker.domain.leads import Location
from worker.storage import installation, leads
from worker.usecases.arrival.admit_again import stored_topic
from worker.usecases.nurture.reroute import NewRoute, reroute
from worker.usecases.sending.compose import read_token
from worker.usecases.services import Services


def lead_of_choice(services: Services, token: str) -> str | None:
    """The lead that a choice link is for; None for a link not made here. Changes nothing."""
    return read_token(token, "choose", services.vault.lookup)


def choose_location(services: Services, token: str, location: Location) -> bool:
    """Route the lead to the clinic it chose; False for a link not made here."""
    lead_id = lead_of_choice(services, token)
    if lead_id is None:
        return False
    with services.database.write() as connection:
        lead = leads.lock(connection, lead_id)
        if lead is not None and lead["location"] != location:
            snapshot, renderer = services.content.renderer(connection)
            to = NewRoute(location=location, location_reason="choice", topic=stored_topic(lead), actor="recipient")
            reroute(connection, renderer.catalog, snapshot, lead, to, installation.product_now(connection))
    services.queue.deliver()
    return True
