"""Resume nurture for someone who had unsubscribed: only a new ticked consent, confirmed by a click, does (I3)."""

from __future__ import annotations

from worker.storage import enrollments, installation, leads, suppressions, timeline
from worker.storage.timeline import Happened
from worker.usecases.nurture.reroute import enroll_if_allowed
from worker.usecases.sending.compose import read_token
from worker.usecases.services import Services


def lead_of_confirmation(services: Services, token: str) -> str | None:
    """The lead that a confirmation link is for; None for a link not made here. Changes nothing."""
    return read_token(token, "confirm", services.vault.lookup)


def confirm_consent(services: Services, token: str) -> bool:
    """Lift the person's own unsubscribe and enroll again; False for a link not made here. Idempotent.

    An old link does nothing after a later unsubscribe: only a consent given since counts, and only once.
    """
    lead_id = lead_of_confirmation(services, token)
    if lead_id is None:
        return False
    with services.database.write() as connection:
        lead = leads.lock(connection, lead_id)
        if lead is None or lead["email_hash"] is None:
            return True
        now = installation.product_now(connection)
        since = suppressions.unsubscribed_at(connection, lead["email_hash"])
        if since is not None and enrollments.confirm_consent(connection, lead_id, since, now):
            suppressions.lift_unsubscribe(connection, lead["email_hash"])
            timeline.add(connection, Happened.CONSENT, now, lead_id, actor="recipient", granted=True, confirmed=True)
            snapshot, renderer = services.content.renderer(connection)
            enroll_if_allowed(connection, renderer.catalog, snapshot, lead, anchor=now, now=now, actor="recipient")
    services.queue.deliver()
    return True
