"""`nurture tokens`: who else may tell us things."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from worker.cli.common import Actor, AsJson, open_services, times_of
from worker.cli.output import console, print_json, print_table
from worker.domain.tokens import TokenScope
from worker.storage import tokens
from worker.usecases.staff.tokens import add_token, revoke_token

app = typer.Typer(help="Tokens of other programs, such as a booking system.", no_args_is_help=True)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="whose it is, such as: booking system")],
    scope: Annotated[TokenScope, typer.Option("--scope", help="What it may do.")] = TokenScope.EVENTS,
    form: Annotated[str, typer.Option("--form", help="For webhooks: the key of the form that it posts to.")] = "",
    secret: Annotated[
        typer.FileText | None, typer.Option("--secret-file", help="With what the vendor or calendar signs; - reads it.")
    ] = None,
    by: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Make a token. It is shown now and never again: only its hash is kept.

    Example: nurture tokens add "booking system" --scope events
    Example: nurture tokens add "our website" --scope hooks --form contact
    """
    signs_with = secret.read().strip() if secret else ""
    with open_services() as services:
        token_id, token = add_token(services, name, scope, by, form=form, secret=signs_with)
    if as_json:
        print_json({"id": token_id, "token": token, "scope": scope})
        return
    console.print(token, markup=False, soft_wrap=True)
    console.print(f"Keep it in a safe place now. To end it: nurture tokens revoke {token_id}", markup=False)


@app.command("list")
def list_tokens(as_json: AsJson = False) -> None:
    """Every token: whose, what for, when it was last used, whether it was revoked.

    Example: nurture tokens list
    """
    with open_services() as services:
        with services.database.read() as connection:
            found = [_public(row) for row in tokens.listed(connection)]
        times = times_of(services)
    if as_json:
        print_json({"tokens": found})
        return
    columns = ["id", "name", "scope", "form", "created_at", "last_used_at", "revoked_at"]
    print_table("Tokens", columns, times.rows(found, columns), "There are no tokens.")


@app.command()
def revoke(token_id: Annotated[str, typer.Argument(help="its id, from the list")], by: Actor = "") -> None:
    """End a token at once.

    Example: nurture tokens revoke 0192f7a4-…
    """
    with open_services() as services:
        revoke_token(services, token_id, by)
    console.print("Revoked.")


def _public(row: Mapping[str, Any]) -> dict[str, Any]:
    times = {
        name: row[name].isoformat() if row[name] else None for name in ("created_at", "last_used_at", "revoked_at")
    }
    return {name: row[name] for name in ("id", "name", "scope", "form", "created_by")} | times
