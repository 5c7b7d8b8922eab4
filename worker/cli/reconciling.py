"""`nurture forms reconcile`: what a vendor has kept, and we never heard of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from worker.cli.common import AsJson, open_services
from worker.cli.output import console, print_json
from worker.errors import Refused
from worker.hooks.duda_history import BASE, DudaHistory
from worker.settings import load_settings
from worker.usecases.forms.reconcile import reconcile


def register(app: typer.Typer) -> None:
    """Add the command to `nurture forms`."""
    app.command("reconcile")(reconcile_forms)


def reconcile_forms(
    form: Annotated[str, typer.Option("--form", help="Key of the form that the website posts to.")],
    site: Annotated[str, typer.Option("--site", help="Duda's name of the website.")],
    days: Annotated[int, typer.Option("--days", min=1, max=400, help="How far to look back.")] = 7,
    url: Annotated[str, typer.Option("--url", help="Where Duda's API is.")] = BASE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look, and change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare Duda's own record of a website's forms with ours, and take in those whose webhook was lost.

    Needs NURTURE_DUDA_API, user:password of its Partner API. Exits with 1 when any was missing: look why.

    Example: nurture forms reconcile --form contact --site 974d714008f440529ea58094ccf9a97c --dry-run
    """
    settings = load_settings()
    if ":" not in settings.duda_api:
        raise Refused("NURTURE_DUDA_API is not set; give user:password of Duda's Partner API")
    today = datetime.now(UTC).date()
    with open_services(settings) as services:
        history = DudaHistory(session=services.outgoing, credentials=settings.duda_api, site=site, base=url)
        past = history.between(today - timedelta(days=days), today + timedelta(days=1))
        done = reconcile(services, form, past, dry_run=dry_run)
    missing = [at.isoformat() for at in done.missing]
    if as_json:
        ended = {"stored": done.captured.stored, "parked": done.captured.parked}
        print_json({"seen": done.seen, "known": done.known, "missing": missing, **ended})
        raise typer.Exit(1 if missing else 0)
    console.print(f"Duda has kept {done.seen} forms of these days; {done.known} of them were known here.")
    for at in missing:
        console.print(f"  missing: sent {at} (by Duda's clock)", markup=False)
    if missing and not dry_run:
        captured = done.captured
        console.print(
            f"{captured.stored} taken in now, {captured.parked} parked, {captured.repeated} were taken in before."
        )
    raise typer.Exit(1 if missing else 0)
