"""Move a lead to another location, condition or treatment: route again, and plan again where that matters.

The one place that changes a stored route, whoever asks: a clearer form, the person's own choice, or staff.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from worker.content.catalog import Catalog, content_location
from worker.domain.enrolling import obstacle
from worker.domain.leads import Location
from worker.domain.routing import Topic, decide_sequence
from worker.domain.sends import CancelReason
from worker.storage import enrollments, leads, suppressions, timeline
from worker.storage.timeline import Happened
from worker.usecases.nurture.enroll import enroll, exit_sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRoute:
    """Where a lead shall go, by which rule, and on whose word."""

    location: Location
    location_reason: str
    topic: Topic
    actor: str = timeline.SYSTEM
    note: str | None = None


def reroute(
    connection: Connection,
    catalog: Catalog,
    snapshot: str,
    lead: Mapping[str, Any],
    to: NewRoute,
    now: datetime,
) -> Mapping[str, Any]:
    """Give a lead its new route. Its sequence ends and the right one starts, unless it is in that already."""
    sequence, because = decide_sequence(to.location, to.topic, catalog.routing)
    columns = route_columns(to.location, to.location_reason, to.topic, sequence, because)
    changed = {**lead, **columns}
    leads.change(connection, lead["id"], **columns)
    timeline.add(
        connection,
        Happened.ROUTED,
        now,
        lead["id"],
        actor=to.actor,
        location=to.location,
        location_reason=to.location_reason,
        condition=to.topic.condition,
        sequence=sequence,
        sequence_reason=because,
        note=to.note,
        before={"location": lead["location"], "condition": lead["condition"], "sequence": lead["sequence"]},
    )
    same_sequence = sequence == lead["sequence"]
    same_content = content_location(to.location) == content_location(Location(lead["location"]))
    if not (same_sequence and same_content):
        exit_sequence(connection, lead["id"], CancelReason.REROUTED, now, to.actor)
        enroll_if_allowed(connection, catalog, snapshot, changed, anchor=now, now=now, actor=to.actor)
    return changed


def route_columns(
    location: Location, location_reason: str, topic: Topic, sequence: str | None, because: str
) -> dict[str, Any]:
    """A route as a lead stores it."""
    return {
        "location": location,
        "location_reason": location_reason,
        "condition": topic.condition,
        "conditions": sorted(topic.conditions),
        "treatment": topic.treatment,
        "sequence": sequence,
        "sequence_reason": because,
    }


def enroll_if_allowed(
    connection: Connection,
    catalog: Catalog,
    snapshot: str,
    lead: Mapping[str, Any],
    *,
    anchor: datetime,
    now: datetime,
    actor: str = timeline.SYSTEM,
) -> bool:
    """Enroll a lead in its sequence where its state allows; else say on its timeline why not (I3, I9)."""
    why_not = _obstacle(connection, lead)
    if why_not is not None:
        timeline.add(connection, Happened.NOT_ENROLLED, now, lead["id"], actor=actor, reason=why_not)
        return False
    return enroll(
        connection,
        catalog,
        snapshot,
        lead["id"],
        Location(lead["location"]),
        lead["sequence"],
        anchor=anchor,
        now=now,
        actor=actor,
    )


def _obstacle(connection: Connection, lead: Mapping[str, Any]) -> str | None:
    address = lead["email_hash"] or ""
    return obstacle(
        lead,
        has_consent=lead["id"] in enrollments.consents_of(connection, [lead["id"]]),
        suppressions=suppressions.scopes(connection, [address]).get(address, frozenset()),
        is_enrolled=enrollments.active_of(connection, lead["id"]) is not None,
    )
