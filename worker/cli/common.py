"""What commands share: options, opening services, and reading what people type."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from worker.bootstrap import make_services
from worker.cli.output import Times
from worker.errors import ConfigurationError
from worker.logs import configure_logs
from worker.runtime.supervisor import read_published
from worker.settings import Settings, load_settings
from worker.storage import migrate, timeline
from worker.usecases.desk.find_lead import find_lead
from worker.usecases.services import Services
from worker.usecases.staff_zone import published_catalog, staff_zone

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="How many at most.")]


def _actor(given: str) -> str:
    """Who is at the keyboard, where nobody is named."""
    return given or os.environ.get("USER") or "command line"


Actor = Annotated[str, typer.Option("--by", help="Who does this; kept in the audit trail.", callback=_actor)]
Wanted = Annotated[str, typer.Argument(help="id, reference, email or phone", metavar="LEAD")]


@contextmanager
def open_services(settings: Settings | None = None) -> Iterator[Services]:
    """Services on a database that is there and up to date. Raises ConfigurationError."""
    settings = linking_to_what_runs(settings or load_settings())
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


def linking_to_what_runs(settings: Settings) -> Settings:
    """Where no address is set, links lead to the product that runs here: it may have had to take another port."""
    published = None if settings.public_url else read_published(settings.state)
    return settings.model_copy(update={"public_url": published["url"]}) if published else settings


@contextmanager
def open_lead(wanted: str) -> Iterator[tuple[Services, str]]:
    """Services, and the id of the lead that someone typed. Raises NotFound, Ambiguous, and as `open_services` does."""
    with open_services() as services:
        with services.database.read() as connection:
            lead_id = find_lead(connection, services.vault, wanted)
        yield services, lead_id


def times_of(services: Services) -> Times:
    """How a command prints instants: in the zone of the staff, as the console does."""
    return Times(staff_zone(published_catalog(services)))
