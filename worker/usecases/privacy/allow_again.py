"""Let an erased person be written to again, on their own word to staff: one confirmation, and nothing more by itself.

The suppression of everything that an erasure left becomes an unsubscribe, which only a click on a confirmed new consent
lifts (I3). A complaint or a refused mailbox is not touched: nobody can speak for those.
"""

from __future__ import annotations

from worker.domain.leads import Location
from worker.errors import NotFound, Refused
from worker.storage import enrollments, installation, leads, sends, suppressions, timeline
from worker.storage.timeline import Happened
from worker.usecases.arrival.arrivals import answer_to
from worker.usecases.services import Services


def allow_again(services: Services, lead_id: str, actor: str, reason: str) -> str:
    """Send the answer that an erasure held back; the id of that email. Raises NotFound, Refused."""
    with services.database.write() as connection:
        lead = leads.lock(connection, lead_id)
        if lead is None:
            raise NotFound(f"there is no lead {lead_id}")
        if lead["email_hash"] is None or not suppressions.soften_erasure(connection, lead["email_hash"]):
            raise Refused("no erasure keeps this lead from being mailed; nurture leads explain says what does")
        now = installation.product_now(connection)
        has_agreed = lead_id in enrollments.consents_of(connection, [lead_id])
        key = f"{lead_id}/allowed/{now.isoformat()}"
        answer = answer_to(key, lead_id, Location(lead["location"]), must_confirm=has_agreed, now=now)
        sends.plan(connection, [answer])
        timeline.add(connection, Happened.ALLOWED_AGAIN, now, lead_id, actor=actor, reason=reason)
    services.queue.deliver()
    return answer.email
