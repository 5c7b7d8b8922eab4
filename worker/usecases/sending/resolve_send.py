"""A person decides about a send whose outcome nobody knows (I2)."""

from __future__ import annotations

from enum import StrEnum

from worker.domain.sends import SendState
from worker.errors import NotFound
from worker.storage import installation, sends, timeline
from worker.storage.timeline import Happened
from worker.usecases.sending.record_outcome import plan_after_resolution
from worker.usecases.services import Services


class Resolution(StrEnum):
    """`SENT`: it arrived. `NOT_SENT`: leave it, go on with the next. `RESEND`: send it again, knowing the risk."""

    SENT = "sent"
    NOT_SENT = "not_sent"
    RESEND = "resend"


_STATES = {
    Resolution.SENT: SendState.SENT,
    Resolution.NOT_SENT: SendState.FAILED,
    Resolution.RESEND: SendState.PLANNED,
}

_ANEW = {"not_before": None, "attempts": 0}


def resolve_send(services: Services, send_id: str, resolution: Resolution, actor: str, reason: str) -> None:
    """Give an unknown send its end. Raises NotFound where it is not unknown."""
    with services.database.write() as connection:
        send = sends.by_id(connection, send_id)
        if send is None or send["state"] != SendState.UNKNOWN:
            raise NotFound("no send of this id has an unknown outcome")
        now = installation.product_now(connection)
        values = {"sent_at": send["handed_over_at"]} if resolution is Resolution.SENT else _ANEW
        if not sends.finish(connection, send, _STATES[resolution], **values):
            raise NotFound("it was resolved meanwhile")
        timeline.add(
            connection,
            Happened.RESOLVED,
            now,
            send["lead_id"],
            actor=actor,
            send_id=send_id,
            email=send["email"],
            found=resolution,
            reason=reason,
        )
        if resolution is not Resolution.RESEND:
            plan_after_resolution(services, connection, send, now)
    services.queue.deliver()
