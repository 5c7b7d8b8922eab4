"""In which language the holder of a link wrote to us. A page must show without the database: then nobody knows."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.exc import SQLAlchemyError

from worker.domain.forms import Form
from worker.domain.leads import Language
from worker.storage import sends, submissions
from worker.usecases.sending.compose import read_token
from worker.usecases.services import Services


def language_of_link(services: Services, forms: Mapping[str, Form], token: str, purpose: str) -> Language | None:
    """The language of the form by which the lead of this link came last; None where that can't be told."""
    known = read_token(token, purpose, services.vault.lookup)
    if known is None:
        return None
    try:
        with services.database.read() as connection:
            send = sends.by_id(connection, known) if purpose == "unsubscribe" else {"lead_id": known}
            came_by = [row["form"] for row in submissions.of_lead(connection, send["lead_id"])] if send else []
    except SQLAlchemyError:
        return None
    return next((forms[key].language for key in reversed(came_by) if key in forms), None)
