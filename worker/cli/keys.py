"""`nurture keys`: the key ring. Make a key, see which ones are needed, seal everything anew with the first."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from worker.cli.common import Actor, AsJson, open_services
from worker.cli.output import console, errors, print_json, print_table
from worker.delivery.dkim import DkimSigner, dns_record
from worker.delivery.dkim import new_key as new_dkim_key
from worker.settings import load_settings
from worker.storage.sealing import new_key
from worker.storage.spool import Spool
from worker.usecases.privacy.key_report import KeyUse, key_report
from worker.usecases.privacy.rotate_keys import DAMAGED, Rotation, rotate_keys, values_to_reseal

app = typer.Typer(help="The key ring that seals health and contact data.", no_args_is_help=True)


@app.callback()
def _keys() -> None:
    """The key ring that seals health and contact data."""


@app.command()
def new(key_id: Annotated[str, typer.Argument(help="a short name for it; today's date without it")] = "") -> None:
    """Print a fresh key for NURTURE_SECRET_KEYS. Keep it where only operators can read it.

    Example: nurture keys new 2026a
    """
    typer.echo(new_key(key_id or f"{datetime.now(UTC):%Y%m%d}"))


@app.command()
def dkim(
    domain: Annotated[str, typer.Argument(help="the domain that emails come from")],
    selector: Annotated[str, typer.Option(help="NURTURE_DKIM_SELECTOR")] = "nurture",
    out: Annotated[Path, typer.Option(help="where the private key goes; an existing one is kept")] = Path("dkim.pem"),
) -> None:
    """Make a key that signs mail to an SMTP relay, and print the record for DNS. Run again, it prints it again.

    Example: nurture keys dkim mail.example.com --out dkim.pem
    """
    if not out.exists():
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(new_dkim_key())
        errors.print(
            f"{out}: a fresh key. Set NURTURE_DKIM_KEY_FILE to this file, NURTURE_DKIM_SELECTOR to {selector}."
        )
    record = dns_record(DkimSigner.read(out.read_text(encoding="ascii"), selector, domain))
    parts = " ".join(f'"{record[start : start + 250]}"' for start in range(0, len(record), 250))
    typer.echo(f"{selector}._domainkey.{domain}. IN TXT {parts}")


@app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """Which key has sealed how much, here and in this host's spool, and which may be taken out. Shows no key.

    Example: nurture keys list
    """
    settings = load_settings()
    with open_services(settings) as services:
        found = key_report(services, Spool(settings.spool))
    if as_json:
        print_json({"keys": [_public(key) for key in found]})
        return
    rows = [[key.id, _role(key), key.stored, key.spooled, "?" if key.queued is None else key.queued] for key in found]
    print_table("", ["key", "is", "in the database", "in the spool", "on the queues"], rows, "No key.")
    for key in found:
        console.print(_advice(key), markup=False)


@app.command()
def rotate(
    is_dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be sealed anew.")] = False,
    by: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Seal everything anew with the first key of the ring. The product may run; stop and start it as you like.

    Example: nurture keys rotate --dry-run
    """
    with open_services() as services:
        total = values_to_reseal(services)
        if is_dry_run:
            found = {"key": services.ring.first, "to_reseal": total}
            text = f"{total} values would be sealed anew with key {services.ring.first}."
            print_json(found) if as_json else console.print(text, markup=False)
            return
        with Progress(console=errors, transient=True, disable=as_json) as bar:
            task = bar.add_task("sealing anew", total=total)
            done = rotate_keys(services, by, progress=lambda count: bar.advance(task, count))
    if as_json:
        print_json({"key": done.key_id, "resealed": done.resealed, "unopened": dict(done.unopened)})
    else:
        _tell(done)
    raise typer.Exit(1 if done.unopened.keys() - {DAMAGED} else 0)


def _tell(done: Rotation) -> None:
    console.print(f"{done.resealed} values are sealed with key {done.key_id} now.", markup=False)
    if done.released:
        console.print(f"{done.released} emails that waited for a lost key go on.")
    for key_id, count in done.unopened.items():
        what = "damaged: see nurture parked list" if key_id == DAMAGED else f"sealed with key {key_id}, which is lost"
        console.print(f"{count} values stay as they are: {what}.", style="red", markup=False)
    console.print("To see whether an old key may be taken out: nurture keys list")


def _role(key: KeyUse) -> str:
    return "the one that seals" if key.seals else "in the ring" if key.in_ring else "lost"


def _advice(key: KeyUse) -> str:
    if key.seals:
        return f"{key.id}: seals everything new."
    if not key.in_ring:
        return f"{key.id}: lost. Put it back into NURTURE_SECRET_KEYS; what it sealed can't be read without it."
    if not key.is_needed:
        return f"{key.id}: not needed any more here. Look on every host with a spool before taking it out."
    if key.stored:
        return f"{key.id}: needed. Run: nurture keys rotate"
    return f"{key.id}: needed until what is on its way has been stored; look again in a minute."


def _public(key: KeyUse) -> dict[str, object]:
    return {
        "id": key.id,
        "in_ring": key.in_ring,
        "seals": key.seals,
        "stored": key.stored,
        "spooled": key.spooled,
        "queued": key.queued,
        "needed": key.is_needed,
    }
