"""`nurture parked`: what could not be handled, kept until a person decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from worker.cli.common import Actor, AsJson, Limit, default_actor, open_services
from worker.cli.output import console, fail, print_facts, print_json, print_table
from worker.storage import parked
from worker.usecases import unpark

app = typer.Typer(help="What could not be handled, kept until a person decides.", no_args_is_help=True)


@app.command("list")
def list_parked(limit: Limit = 50, as_json: AsJson = False) -> None:
    """Open items, the latest seen first; never their contents.

    Example: nurture parked list
    """
    with open_services() as services, services.database.read() as connection:
        found = [_public(item) for item in parked.listed(connection, limit)]
    if as_json:
        print_json({"parked": found})
        return
    columns = ["id", "kind", "code", "count", "first_at", "last_at"]
    print_table("Parked", columns, [[item[name] for name in columns] for item in found], "Nothing is parked.")


@app.command()
def show(item_id: str, as_json: AsJson = False) -> None:
    """One item.

    Example: nurture parked show 0192f7a4-…
    """
    with open_services() as services, services.database.read() as connection:
        item = parked.by_id(connection, item_id)
    if item is None:
        fail("There is no parked item of this id.")
    print_json(_public(item)) if as_json else print_facts(_public(item))


@app.command()
def replay(item_id: str, by: Actor = "") -> None:
    """Try an item again, after what was wrong has been mended.

    Example: nurture parked replay 0192f7a4-…
    """
    with open_services() as services:
        captured = unpark.replay(services, item_id, by or default_actor())
    if captured.parked:
        fail("It could not be handled this time either; it stays parked.")
    console.print("Replayed: it was stored already." if captured.repeated else "Replayed.")


@app.command()
def dismiss(item_id: str, reason: Annotated[str, typer.Option("--reason", help="Why; kept.")], by: Actor = "") -> None:
    """Leave an item for good.

    Example: nurture parked dismiss 0192f7a4-… --reason "a test of ours"
    """
    with open_services() as services:
        unpark.dismiss(services, item_id, by or default_actor(), reason)
    console.print("Dismissed.")


def _public(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": item["id"],
        "kind": item["kind"],
        "code": item["code"],
        "submission_id": item["submission_id"],
        "state": item["state"],
        "count": item["count"],
        "first_at": item["first_at"].isoformat(),
        "last_at": item["last_at"].isoformat(),
    }
