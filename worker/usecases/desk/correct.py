"""Staff correct a lead's route, with a reason; the lead is routed and planned anew."""

from __future__ import annotations

from dataclasses import replace

from worker.domain.leads import Condition, Location, Treatment
from worker.errors import NotFound
from worker.storage import installation, leads
from worker.usecases.arrival.admit_again import stored_topic
from worker.usecases.nurture.reroute import NewRoute, reroute
from worker.usecases.services import Services


def correct_lead(
    services: Services,
    lead_id: str,
    *,
    location: Location | None,
    condition: Condition | None,
    treatment: Treatment | None,
    reason: str,
    actor: str,
) -> None:
    """Change what is given, keep the rest. Raises NotFound."""
    with services.database.write() as connection:
        lead = leads.lock(connection, lead_id)
        if lead is None:
            raise NotFound(f"there is no lead {lead_id}")
        topic = stored_topic(lead)
        if condition is not None:
            topic = replace(topic, condition=condition, conditions=topic.conditions | {condition})
        if treatment is not None:
            topic = replace(topic, treatment=treatment)
        to = NewRoute(
            location=location or Location(lead["location"]),
            location_reason="staff" if location else lead["location_reason"],
            topic=topic,
            actor=actor,
            note=reason,
        )
        snapshot, renderer = services.content.renderer(connection)
        reroute(connection, renderer.catalog, snapshot, lead, to, installation.product_now(connection))
    services.queue.deliver()
