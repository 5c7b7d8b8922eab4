"""Stop nurture for whoever holds a send's link: at once, for good, and as often as they press (RFC 8058)."""

from __future__ import annotations

from worker.domain.consent import SuppressionReason
from worker.domain.sends import CancelReason
from worker.storage import installation, leads, sends, suppressions, timeline
from worker.storage.timeline import Happened
from worker.usecases.nurture.enroll import exit_sequence
from worker.usecases.sending.compose import read_token
from worker.usecases.services import Services


def is_unsubscribe_token(services: Services, token: str) -> bool:
    """True when this link was made here. Changes nothing."""
    return read_token(token, "unsubscribe", services.vault.lookup) is not None


def unsubscribe(services: Services, token: str, origin: str) -> bool:
    """Suppress the address, end the sequence, withdraw what is planned; False for a token not made here.

    A lead that was erased since has its suppression already: the answer is yes all the same.
    """
    send_id = read_token(token, "unsubscribe", services.vault.lookup)
    if send_id is None:
        return False
    with services.database.write() as connection:
        send = sends.by_id(connection, send_id)
        lead = leads.lock(connection, send["lead_id"]) if send else None
        if lead is None or lead["email_hash"] is None:
            return True
        now = installation.product_now(connection)
        if suppressions.add(connection, lead["email_hash"], SuppressionReason.UNSUBSCRIBED, origin, now):
            timeline.add(connection, Happened.UNSUBSCRIBED, now, lead["id"], actor="recipient", send_id=send_id)
        exit_sequence(connection, lead["id"], CancelReason.UNSUBSCRIBED, now, "recipient")
    return True
