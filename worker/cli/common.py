"""What commands share: options, opening services, and reading what people type."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from worker.bootstrap import make_services
from worker.errors import ConfigurationError
from worker.logs import configure_logs
from worker.settings import Settings, load_settings
from worker.storage import migrate, timeline
from worker.usecases.services import Services

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="How many at most.")]
Actor = Annotated[str, typer.Option("--by", help="Who does this; kept in the audit trail.")]


def default_actor() -> str:
    """Who is at the keyboard."""
    return os.environ.get("USER") or "command line"


@contextmanager
def open_services(settings: Settings | None = None) -> Iterator[Services]:
    """Services on a database that is there and up to date. Raises ConfigurationError."""
    settings = settings or load_settings()
    configure_logs(settings.log_level, "cli")
    if not settings.database_url and not (settings.state / "lead.db").exists():
        raise ConfigurationError(
            "NRT-E031",
            f"there is no product in {settings.state}",
            "start one with: nurture up (or set NURTURE_STATE_DIR)",
        )
    services = make_services(settings)
    try:
        current, newest = migrate.current_and_newest(services.database)
        if current != newest:
            raise ConfigurationError(
                "NRT-E032", f"the database stands at {current}, not {newest}", "run: nurture db upgrade"
            )
        with timeline.acting_via(timeline.COMMAND_LINE):
            yield services
    finally:
        services.close()
