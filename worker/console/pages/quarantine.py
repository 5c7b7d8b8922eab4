"""What suspicion has set aside: nothing of it is mailed, nothing of it is lost, and people decide."""

from __future__ import annotations

from starlette.responses import Response

from worker.console import lead_words
from worker.console.routes import act, page
from worker.console.visit import Visit
from worker.domain.staff import Permission
from worker.errors import Refused
from worker.usecases.desk.acknowledge import acknowledge_quarantined
from worker.usecases.desk.quarantine import dismiss, release
from worker.usecases.desk.quarantine_desk import read_quarantine, read_suspect
from worker.usecases.privacy.reveal import Posted, reveal_submission

_SHOWN = 50


def _show(visit: Visit) -> Response:
    items, count = read_quarantine(visit.services, _SHOWN)
    return visit.page("quarantine.html", items=items, count=count, say=lead_words)


def _show_item(visit: Visit) -> Response:
    return _item(visit, None)


def _reveal(visit: Visit) -> Response:
    return _item(visit, reveal_submission(visit.services, visit.path["id"], visit.me.name))


def _item(visit: Visit, posted: Posted | None) -> Response:
    suspect = read_suspect(visit.services, visit.path["id"])
    return visit.page("quarantine_item.html", suspect=suspect, item=suspect.row, posted=posted, say=lead_words)


def _acknowledge(visit: Visit) -> Response:
    acknowledge_quarantined(visit.services, visit.path["id"], visit.me.name)
    return visit.go_to(f"/quarantine/{visit.path['id']}", "You have it. Staff are not called any more.")


def _release(visit: Visit) -> Response:
    lead_id = release(visit.services, visit.path["id"], visit.me.name)
    return visit.go_to(f"/leads/{lead_id}", "Released: it is a lead now, acknowledged and routed like any other.")


def _dismiss(visit: Visit) -> Response:
    reason = visit.typed("reason")
    if not reason:
        raise Refused("please say why it is dismissed; it is kept in the audit trail")
    dismiss(visit.services, visit.path["id"], visit.me.name, reason)
    return visit.go_to("/quarantine", "Dismissed. Nobody is mailed; it is kept until its time is over.")


ROUTES = (
    page("/quarantine", Permission.SEE_LEADS, _show, nav="Quarantine"),
    page("/quarantine/{id}", Permission.SEE_LEADS, _show_item),
    act("/quarantine/{id}/reveal", Permission.REVEAL_CONTACT, _reveal),
    act("/quarantine/{id}/acknowledge", Permission.SORT_QUARANTINE, _acknowledge),
    act("/quarantine/{id}/release", Permission.SORT_QUARANTINE, _release),
    act("/quarantine/{id}/dismiss", Permission.SORT_QUARANTINE, _dismiss),
)
