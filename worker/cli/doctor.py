"""`doctor`: look at everything that the product stands on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from sqlalchemy.exc import SQLAlchemyError

from worker.cli.common import AsJson, open_services
from worker.cli.output import console, errors, print_json
from worker.content.catalog import Catalog, read_content_files
from worker.content.load import load_catalog
from worker.doctor.catalogue import DATABASE
from worker.doctor.finding import Finding, Level
from worker.errors import ConfigurationError, WorkerError
from worker.keys import dkim_signer, key_ring
from worker.settings import TEMPLATES, Settings, load_settings
from worker.usecases.services import Services

_MARKS = {
    Level.OK: ("✓", "green"),
    Level.WARNING: ("!", "yellow"),
    Level.FAILED: ("✗", "red"),
    Level.SKIPPED: ("–", "bright_black"),
}

DnsServer = Annotated[str, typer.Option("--dns", help="Ask this name server, and look at DNS in any case.")]
Selector = Annotated[str, typer.Option(help="The DKIM selector, where the provider signs for us.")]
SigningDomain = Annotated[str, typer.Option(help="The domain of the signatures; without it, that of From.")]


def doctor(
    dns: DnsServer = "", selector: Selector = "", signing_domain: SigningDomain = "", as_json: AsJson = False
) -> None:
    """Look at settings, database, broker, spool, DNS, provider, public address and dates. Changes nothing.

    Each finding has an id, which docs/operators/doctor.md explains, and says what to do. Exits with 1 when something
    has failed; warnings do not count.

    Example: nurture doctor --selector clinic1
    """
    overrides: dict[str, Any] = {"dns_server": dns} if dns else {}
    try:
        settings = load_settings(**overrides)
        key_ring(settings)
        found = [
            Finding("NRT-E001", Level.OK, "the settings can be read"),
            Finding("NRT-E010", Level.OK, "the key ring holds a key"),
            *_examine(settings, selector, signing_domain, in_any_case=bool(dns)),
        ]
    except ConfigurationError as error:
        found = [Finding(error.check_id, Level.FAILED, error.problem, error.hint)]
    counts = Counter(finding.level for finding in found)
    if as_json:
        levels = {level: counts[level] for level in Level}
        print_json({"findings": [_to_json(finding) for finding in found], "levels": levels})
    else:
        _print(found)
    raise typer.Exit(1 if counts[Level.FAILED] else 0)


def _examine(settings: Settings, selector: str, signing_domain: str, *, in_any_case: bool) -> Iterator[Finding]:
    # Here, so that no other command waits the half second in which the libraries for DNS are loaded.
    from worker.doctor.looks import Patient, examine_patient
    from worker.doctor.mail_dns import signer_of

    with _services(settings) as (services, finding):
        yield finding
        patient = Patient(
            settings=settings,
            services=services,
            catalog=_catalog(services),
            now=datetime.now(UTC),
            signer=signer_of(dkim_signer(settings), selector, signing_domain),
            looks_at_dns=in_any_case or not settings.mail_url.startswith("outbox:"),
        )
        with errors.status("looking…") as progress:
            yield from examine_patient(patient, lambda done, of: progress.update(f"looked at {done} of {of}"))


@contextmanager
def _services(settings: Settings) -> Iterator[tuple[Services | None, Finding]]:
    """The services, or why there are none; the other looks go on without them."""
    try:
        opened = open_services(settings)
        services = opened.__enter__()
        with services.database.read() as connection:
            services.content.renderer(connection)
        _ = services.vault  # the ring must open this database
    except ConfigurationError as error:
        yield None, Finding(error.check_id, Level.FAILED, error.problem, error.hint)
    except (WorkerError, OSError, SQLAlchemyError) as error:
        yield None, DATABASE.failed(f"the database can't be used ({type(error).__name__})")
    else:
        try:
            yield services, DATABASE.ok()
        finally:
            opened.__exit__(None, None, None)


def _catalog(services: Services | None) -> Catalog:
    """What is sent; without a database, what the files say."""
    if services is None:
        return load_catalog(read_content_files(TEMPLATES))
    with services.database.read() as connection:
        return services.content.renderer(connection)[1].catalog


def _to_json(finding: Finding) -> dict[str, object]:
    return {
        "id": finding.id,
        "level": finding.level,
        "ok": finding.is_ok,
        "text": finding.text,
        "hint": finding.hint,
    }


def _print(found: Sequence[Finding]) -> None:
    for finding in found:
        mark, style = _MARKS[finding.level]
        console.print(f"{mark} {finding.id}  {finding.text}", style=style, markup=False)
        if finding.hint:
            console.print(f"    {finding.hint}", markup=False)
    counts = Counter(finding.level for finding in found)
    console.print(f"{counts[Level.OK]} well, {counts[Level.WARNING]} warnings, {counts[Level.FAILED]} failed.")
