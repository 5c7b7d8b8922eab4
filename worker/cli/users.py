"""`nurture users`: who may sign in to the console. Passwords are set by their owners, through a link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from worker.cli.common import Actor, AsJson, open_services, times_of
from worker.cli.output import console, print_json, print_table
from worker.domain.staff import LINK_LASTS, Role
from worker.storage import staff
from worker.usecases.staff import staff_accounts

app = typer.Typer(help="Who may sign in to the console.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="the name to sign in with")]


@app.command()
def add(
    name: Name,
    role: Annotated[Role, typer.Option("--role", help="What they may do.")],
    by: Actor = "",
) -> None:
    """Add someone, and print the link with which they set their password.

    Example: nurture users add jordan --role admin
    """
    with open_services() as services:
        _print_link(name, staff_accounts.add_account(services, name, role, by))


@app.command("list")
def list_users(as_json: AsJson = False) -> None:
    """Everyone who may sign in, or could once.

    Example: nurture users list
    """
    with open_services() as services:
        with services.database.read() as connection:
            found = [_public(account) for account in staff.everyone(connection)]
        times = times_of(services)
    if as_json:
        print_json({"users": found})
        return
    columns = ["name", "role", "state", "codes", "signed_in_at"]
    print_table(
        "Users", columns, times.rows(found, columns), "Nobody yet. Begin with: nurture users add NAME --role admin"
    )


@app.command()
def role(name: Name, to: Annotated[Role, typer.Argument(help="the new role")], by: Actor = "") -> None:
    """Give someone another role, from their next click on.

    Example: nurture users role jordan operator
    """
    with open_services() as services:
        staff_accounts.set_role(services, name, to, by)
    console.print(f"{name} is {to.replace('_', ' ')} now.", markup=False)


@app.command()
def reset(name: Name, by: Actor = "") -> None:
    """Make a new link for someone who has lost the password or the phone. The old ones end at once.

    Example: nurture users reset jordan
    """
    with open_services() as services:
        _print_link(name, staff_accounts.reset_account(services, name, by))


@app.command()
def disable(name: Name, by: Actor = "") -> None:
    """Sign someone out everywhere, for good. The account stays in the audit trail.

    Example: nurture users disable jordan
    """
    with open_services() as services:
        staff_accounts.disable_account(services, name, by)
    console.print(f"{name} can't sign in any more.", markup=False)


@app.command()
def enable(name: Name, by: Actor = "") -> None:
    """Let someone come back, by a new link.

    Example: nurture users enable jordan
    """
    with open_services() as services:
        _print_link(name, staff_accounts.enable_account(services, name, by))


def _print_link(name: str, link: str) -> None:
    minutes = LINK_LASTS.seconds // 60
    console.print(f"Give this link to {name}. It works once, for {minutes} minutes:", markup=False)
    typer.echo(link)


def _public(account: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": account["id"],
        "name": account["name"],
        "role": account["role"],
        "state": account["state"],
        "codes": account["code_key_sealed"] is not None,
        "created_at": account["created_at"].isoformat(),
        "signed_in_at": account["signed_in_at"].isoformat() if account["signed_in_at"] else None,
    }
