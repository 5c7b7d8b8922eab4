"""The one zone in which pages and commands tell times, but for a lead's own story: the first clinic's."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from worker.domain.leads import CLINICS
from worker.errors import WorkerError
from worker.usecases.services import Services


def staff_zone(services: Services) -> str:
    """Its name; UTC before the first publish, and while the database is away."""
    try:
        with services.database.read() as connection:
            _, renderer = services.content.renderer(connection)
        return renderer.catalog.clinic.places[CLINICS[0]].zone
    except (WorkerError, SQLAlchemyError):
        return "UTC"
