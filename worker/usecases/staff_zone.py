"""The one zone in which pages and commands tell times, but for a lead's own story: the first clinic's."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from worker.content.catalog import Catalog
from worker.domain.leads import CLINICS
from worker.errors import WorkerError
from worker.usecases.services import Services


def published_catalog(services: Services) -> Catalog | None:
    """What is published; None before the first publish, and while the database is away."""
    try:
        with services.database.read() as connection:
            return services.content.renderer(connection)[1].catalog
    except (WorkerError, SQLAlchemyError):
        return None


def staff_zone(catalog: Catalog | None) -> str:
    """Its name; UTC while nothing is published."""
    return catalog.clinic.places[CLINICS[0]].zone if catalog else "UTC"
