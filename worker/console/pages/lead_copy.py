"""The exact copy of an email that a lead got. It greets by name only those who may see contact data, and says so.

The frame with the name opens by a key that the page gives, which writes the look down; so no look goes unseen.
"""

from __future__ import annotations

import hashlib
import hmac

from starlette.responses import HTMLResponse, Response

from worker.console import lead_words
from worker.console.routes import page
from worker.console.studio.headers import EMAIL_HEADERS
from worker.console.studio.letters import frame_height
from worker.console.visit import Visit
from worker.domain.staff import Permission
from worker.usecases.sending.sent_copy import note_look, read_copy

_WIDTH = 640


def _show(visit: Visit) -> Response:
    lead_id, send_id = visit.path["id"], visit.path["send"]
    with_name = visit.may(Permission.REVEAL_CONTACT)
    copy = read_copy(visit.services, lead_id, send_id, with_name=with_name)
    if with_name:
        note_look(visit.services, send_id, visit.me.name)
    return visit.page(
        "lead_copy.html",
        lead_id=lead_id,
        copy=copy,
        with_name=with_name,
        key=_key(visit, send_id) if with_name else "",
        width=_WIDTH,
        height=frame_height(copy.rendered.text, _WIDTH),
        say=lead_words,
    )


def _frame(visit: Visit) -> Response:
    lead_id, send_id = visit.path["id"], visit.path["send"]
    has_key = hmac.compare_digest(visit.typed("key").encode(), _key(visit, send_id).encode())
    with_name = has_key and visit.may(Permission.REVEAL_CONTACT)
    copy = read_copy(visit.services, lead_id, send_id, with_name=with_name)
    return HTMLResponse(copy.rendered.html, headers=dict(EMAIL_HEADERS))


def _key(visit: Visit, send_id: str) -> str:
    """Opens the frame with the name, in this browser only."""
    return hmac.new(visit.token.encode(), f"copy/{send_id}".encode(), hashlib.sha256).hexdigest()[:32]


ROUTES = (
    page("/leads/{id}/emails/{send}", Permission.SEE_LEADS, _show),
    page("/leads/{id}/emails/{send}/frame", Permission.SEE_LEADS, _frame),
)
