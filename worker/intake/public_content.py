"""What the public pages need of the content: forms, crisis patterns, places. Never a reason to refuse a post.

The active snapshot, looked at again every few seconds; the shipped files while the database is away.
"""

from __future__ import annotations

import time

import structlog
from sqlalchemy.exc import SQLAlchemyError

from worker.content.catalog import Catalog, read_content_files
from worker.content.load import load_catalog
from worker.errors import WorkerError
from worker.settings import TEMPLATES
from worker.usecases.services import Services

log = structlog.get_logger()

_EVERY_S = 10.0


class PublicContent:
    """Holds the latest catalog that could be had."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._looked_at = float("-inf")
        self._catalog: Catalog | None = None

    @property
    def catalog(self) -> Catalog:
        """The catalog; the shipped files' when nothing else could be had."""
        if self._catalog is None:
            self.refresh()
        if self._catalog is None:
            self._catalog = load_catalog(read_content_files(TEMPLATES))
        return self._catalog

    def refresh(self) -> None:
        """Look at the active snapshot again, if it is time."""
        if time.monotonic() - self._looked_at < _EVERY_S:
            return
        self._looked_at = time.monotonic()
        try:
            with self._services.database.read() as connection:
                self._catalog = self._services.content.renderer(connection)[1].catalog
        except (SQLAlchemyError, WorkerError):
            log.warning("content.not_refreshed")
