"""`nurture parked`: what could not be handled, kept until a person decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from worker.cli.common import Actor, AsJson, Limit, open_services, times_of
from worker.cli.output import console, fail, print_facts, print_json, print_table
from worker.storage import parked
from worker.usecases.desk import unpark
from worker.usecases.desk.unpark import Replayed

app = typer.Typer(help="What could not be handled, kept until a person decides.", no_args_is_help=True)


@app.command("list")
def list_parked(
    limit: Limit = 50,
    waiting: Annotated[bool, typer.Option("--waiting", help="Events told before their lead was there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Open items, the latest seen first; never their contents. Those that wait are tried again by themselves.

    Example: nurture parked list
    """
    state = parked.WAITING if waiting else parked.OPEN
    with open_services() as services:
        with services.database.read() as connection:
            found = [_public(item) for item in parked.listed(connection, limit, state)]
        times = times_of(services)
    if as_json:
        print_json({"parked": found})
        return
    columns = ["id", "kind", "code", "count", "first_at", "last_at"]
    none = "Nothing waits for its lead." if waiting else "Nothing is parked."
    print_table("Waiting" if waiting else "Parked", columns, times.rows(found, columns), none)


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
def causes(as_json: AsJson = False) -> None:
    """Open items by what is wrong with them, so that one mend clears many.

    Example: nurture parked causes
    """
    with open_services() as services:
        with services.database.read() as connection:
            found = [
                asdict(cause) | {"first_at": cause.first_at.isoformat(), "last_at": cause.last_at.isoformat()}
                for cause in parked.causes(connection)
            ]
        times = times_of(services)
    if as_json:
        print_json({"causes": found})
        return
    columns = ["kind", "code", "items", "seen", "first_at", "last_at"]
    print_table("Parked", columns, times.rows(found, columns), "Nothing is parked.")


@app.command()
def replay(item_ids: Annotated[list[str], typer.Argument(metavar="ID...")], by: Actor = "") -> None:
    """Try items again, after what was wrong has been mended. Exits with 1 when one of them stays parked.

    Example: nurture parked replay 0192f7a4-…
    """
    with open_services() as services:
        if len(item_ids) == 1:
            captured = unpark.replay(services, item_ids[0], by)
            counts = Counter({Replayed.PARKED_AGAIN if captured.parked else Replayed.DONE: 1})
        else:
            counts = unpark.replay_all(services, item_ids, by)
    for what, count in counts.items():
        console.print(f"{count} {_SAID[what]}")
    raise typer.Exit(0 if set(counts) <= {Replayed.DONE} else 1)


_SAID = {
    Replayed.DONE: "replayed.",
    Replayed.PARKED_AGAIN: "could not be handled this time either, and stay parked.",
    Replayed.STILL_SEALED: "can't be opened: their key is still missing from NURTURE_SECRET_KEYS.",
    Replayed.NOT_OPEN: "are no open parked items.",
}


@app.command()
def dismiss(
    item_ids: Annotated[list[str], typer.Argument(metavar="ID...")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept.")],
    by: Actor = "",
) -> None:
    """Leave items for good.

    Example: nurture parked dismiss 0192f7a4-… --reason "a test of ours"
    """
    with open_services() as services:
        done = unpark.dismiss_all(services, item_ids, by, reason)
    if done < len(item_ids):
        fail(f"{done} dismissed; {len(item_ids) - done} are no open parked items.")
    console.print(f"{done} dismissed.")


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
