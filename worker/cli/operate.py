"""`status`, `spool`, `db`: is it well, what waits, and the tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from worker.bootstrap import make_services, open_broker
from worker.cli.common import AsJson, open_services, times_of
from worker.cli.output import Times, console, print_facts, print_json, print_table
from worker.content.catalog import read_content_files
from worker.domain.health import UNKNOWN_POLICY
from worker.logs import configure_logs
from worker.settings import TEMPLATES, load_settings
from worker.storage import migrate
from worker.storage.spool import Spool
from worker.usecases.health.status import Status, read_status
from worker.usecases.prepare import prepare

spool_app = typer.Typer(help="Accepted submissions not yet confirmed.", no_args_is_help=True)
database_app = typer.Typer(help="The database's tables.", no_args_is_help=True)


def status(as_json: AsJson = False) -> None:
    """One sentence of health, then the figures. Exits with 1 when something needs attention.

    Example: nurture status --json
    """
    settings = load_settings()
    with open_services(settings) as services:
        broker = open_broker(settings)
        found = read_status(services.database, broker, Spool(settings.spool), settings.manners.warm_up)
        times = times_of(services)
        broker.close()
    if as_json:
        print_json(found.to_json())
    else:
        console.print(found.verdict.sentence, style="green" if found.verdict.ok else "red")
        rows = [
            [name, queue["depth"], queue["oldest_age_s"], queue["consumers"]] for name, queue in found.queues.items()
        ]
        print_table("", ["queue", "waiting", "oldest (s)", "consumers"], rows, "")
        print_facts(
            {
                "due now": found.figures.due,
                "next due": times(found.next_due_at) or "nothing planned",
                "sends": ", ".join(f"{count} {state}" for state, count in found.sends.items() if count) or "none yet",
                "in a sequence": found.enrollments_active,
                "parked": found.figures.parked,
                "told early": f"{found.early[0]} events wait for their lead",
                "quarantined": found.figures.quarantined,
                "unknown": _unknown(found, times),
                "nothing planned": f"{found.figures.stranded} people in a sequence (0 is right)",
                "suppressed": found.suppressions,
                "spool": f"{found.spool['waiting']} waiting, {found.spool['quarantined']} set aside",
                **({"warm-up": _warm_up(found.warm_up)} if found.warm_up else {}),
                "came back": ", ".join(f"{n} {kind}" for kind, n in found.feedback.events.items() if n)
                or "nothing yet",
                "told": f"{found.events_waiting} events wait, {found.figures.endpoints_failing} systems take none",
                "stopped": ", ".join(f"{name} ({why})" for name, why in found.sequences_stopped.items()) or "none",
                "content": found.active_snapshot or "nothing published",
                "clock": times(found.product_now),
            }
        )
    raise typer.Exit(0 if found.verdict.ok else 1)


def _warm_up(plan: Mapping[str, Any]) -> str:
    cap = plan["cap"]
    return "over: no cap any more" if cap is None else f"{plan['sent']} of {cap} educational emails today"


def _unknown(found: Status, times: Times) -> str:
    count = found.figures.unknown
    return f"{count}, the oldest since {times(found.unknown_since)}; {UNKNOWN_POLICY}" if count else "0"


@spool_app.callback()
def _spool() -> None:
    """Accepted submissions that the database has not confirmed yet."""


@spool_app.command("status")
def spool_status(as_json: AsJson = False) -> None:
    """How many files wait on this host, since when, and how many were set aside. Needs no database.

    Example: nurture spool status
    """
    spool = Spool(load_settings().spool)
    waiting, aside = spool.counts()
    found = {"folder": str(spool.root), "waiting": waiting, "oldest_age_s": spool.oldest_age(), "set_aside": aside}
    print_json(found) if as_json else print_facts(found)


@spool_app.command()
def retry() -> None:
    """Offer again what was set aside after many tries.

    Example: nurture spool retry
    """
    console.print(f"{Spool(load_settings().spool).offer_again()} files are offered again.")


@database_app.callback()
def _db() -> None:
    """The database's tables."""


@database_app.command()
def upgrade() -> None:
    """Bring the database to this version, and make it ready on first use. Safe to repeat.

    Example: nurture db upgrade
    """
    settings = load_settings()
    configure_logs(settings.log_level, "cli")
    services = make_services(settings)
    shipped = None if settings.is_production else read_content_files(TEMPLATES)
    prepare(services.database, services.ring, settings.clock_speed, shipped)
    current, _ = migrate.current_and_newest(services.database)
    services.close()
    console.print(f"The database stands at {current}.")
