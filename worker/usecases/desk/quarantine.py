"""Release or dismiss what suspicion has set aside. Nothing is mailed meanwhile, and nothing is lost."""

from __future__ import annotations

from worker.errors import NotFound
from worker.storage import installation, submissions, timeline
from worker.storage.timeline import Happened
from worker.usecases.arrival.admit import admit
from worker.usecases.desk.acknowledge import acknowledge_submission, link_to_lead
from worker.usecases.services import Services


def release(services: Services, submission_id: str, actor: str) -> str:
    """Admit a quarantined submission as if it had just been captured; the lead's id. Raises NotFound."""
    with services.database.write() as connection:
        if not submissions.set_status(connection, submission_id, submissions.QUARANTINED, submissions.ACCEPTED):
            raise NotFound("no submission of this id waits in quarantine")
        moment = installation.moment(connection)
        row = submissions.by_id(connection, submission_id)
        if row is None:
            raise NotFound("no submission of this id")
        submission = submissions.open_stored(row, services.ring)
        lead_id = admit(services, connection, [submission], moment)[submission_id]
        link_to_lead(connection, submission_id, lead_id)
        timeline.add(connection, Happened.RELEASED, moment.now, lead_id, actor=actor, submission_id=submission_id)
    services.queue.deliver()
    services.queue.alert()
    return lead_id


def dismiss(services: Services, submission_id: str, actor: str, reason: str) -> None:
    """Leave a quarantined submission unanswered, on someone's word. Raises NotFound."""
    with services.database.write() as connection:
        if not submissions.set_status(connection, submission_id, submissions.QUARANTINED, submissions.DISMISSED):
            raise NotFound("no submission of this id waits in quarantine")
        now = installation.product_now(connection)
        acknowledge_submission(connection, submission_id, actor, now)
        timeline.add(connection, Happened.CANCELLED, now, None, actor=actor, submission_id=submission_id, reason=reason)
