"""`nurture webhooks`: which other systems are told what happens, and how much."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any

import typer

from worker.cli.common import Actor, AsJson, open_services, times_of
from worker.cli.output import console, fail, print_json, print_table
from worker.delivery.hubspot import BASE, HUBSPOT_EVENTS
from worker.domain.outgoing_events import Tell
from worker.domain.redelivery import Fate
from worker.errors import Refused
from worker.storage.endpoints import EndpointKind
from worker.usecases.webhooks import manage
from worker.usecases.webhooks.list_endpoints import Endpoint, EndpointState, list_endpoints
from worker.usecases.webhooks.manage import LEAD_EVENTS, OLD_SECRET_LASTS, Agreement
from worker.usecases.webhooks.replay_untold import replay_untold

app = typer.Typer(help="Other systems that are told what happens.", no_args_is_help=True)

EndpointId = Annotated[str, typer.Argument(metavar="ID", help="its id, from the list")]
Url = Annotated[str, typer.Argument(help="where it listens, https://…")]
Name = Annotated[str, typer.Option("--name", help="What people call it.")]
Events = Annotated[
    list[str] | None, typer.Option("--event", help="Such as lead.created or alert.*; repeat. Default: all about leads.")
]
Tells = Annotated[list[Tell] | None, typer.Option("--tell", help="More than ids; needs an agreement.")]
AgreedBy = Annotated[str, typer.Option("--agreed-by", help="Who signed the agreement.")]
AgreedOn = Annotated[str, typer.Option("--agreed-on", help="When, YYYY-MM-DD.")]


@app.command()
def add(
    url: Url,
    name: Name = "",
    event: Events = None,
    tell: Tells = None,
    agreed_by: AgreedBy = "",
    agreed_on: AgreedOn = "",
    by: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Tell a system what happens, by signed webhooks; by ids only unless an agreement allows more.

    Example: nurture webhooks add https://hooks.example.com/clinic --name warehouse --event lead.created
    """
    agreement = read_agreement(tell, agreed_by, agreed_on)
    with open_services() as services:
        endpoint_id, secret = manage.add_endpoint(services, name, url, event or LEAD_EVENTS, agreement, by)
    if as_json:
        print_json({"id": endpoint_id, "secret": secret})
        return
    _show_secret(secret)
    console.print(f"Now try it: nurture webhooks test {endpoint_id}", markup=False)


@app.command()
def change(
    endpoint_id: EndpointId,
    event: Annotated[
        list[str] | None, typer.Option("--event", help="All that it is told of from now on; repeat. Default: as it is.")
    ] = None,
    tell: Tells = None,
    ids_only: Annotated[bool, typer.Option("--ids-only", help="Nothing beside ids any more.")] = False,
    agreed_by: AgreedBy = "",
    agreed_on: AgreedOn = "",
    by: Actor = "",
) -> None:
    """Tell it of other events, or more or less beside ids; what waits for it goes out by the new agreement too.

    Example: nurture webhooks change 0192f7a4-… --tell contact --agreed-by "Jordan Example" --agreed-on 2026-01-05
    """
    if ids_only and tell:
        raise Refused("--ids-only and --tell contradict each other; use one")
    agreement = read_agreement(tell, agreed_by, agreed_on) if tell or ids_only else None
    with open_services() as services:
        manage.change_endpoint(services, endpoint_id, by, events=event or None, agreement=agreement)
    console.print("Changed. It is told so from now on.")


@app.command()
def hubspot(
    token_file: Annotated[typer.FileText, typer.Option("--token-file", help="Holds the app's token; - reads it.")],
    agreed_by: AgreedBy,
    agreed_on: AgreedOn,
    tell: Tells = None,
    url: Annotated[str, typer.Option("--url", help="Where its API is.")] = BASE,
    by: Actor = "",
) -> None:
    """Make and update contacts in HubSpot. Needs an agreement on contact data; on health too with --tell condition.

    Example: nurture webhooks hubspot --token-file token.txt --agreed-by "Jordan Example" --agreed-on 2026-01-05
    """
    agreement = read_agreement([Tell.CONTACT, *(tell or ())], agreed_by, agreed_on)
    with open_services() as services:
        endpoint_id, _ = manage.add_endpoint(
            services, "HubSpot", url, HUBSPOT_EVENTS, agreement, by,
            kind=EndpointKind.HUBSPOT, secret=read_token(token_file),
        )  # fmt: skip
    console.print(f"Now try it: nurture webhooks test {endpoint_id}", markup=False)


@app.command("list")
def list_webhooks(as_json: AsJson = False) -> None:
    """Every system that is told: how much, whether it listens, how much waits for it. With --json also of what.

    Example: nurture webhooks list
    """
    with open_services() as services:
        found = list_endpoints(services)
        times = times_of(services)
    if as_json:
        print_json({"webhooks": [_public(one) for one in found]})
        return
    columns = ["id", "name", "beside ids", "state", "waiting", "oldest_at", "parked"]
    rows = [_row(one) for one in found]
    print_table("Webhooks", columns, times.rows(rows, columns), "Nobody is told. See: nurture webhooks add --help")


@app.command()
def test(endpoint_id: EndpointId) -> None:
    """Tell it a test event now. Exits with 1 when it was not taken.

    Example: nurture webhooks test 0192f7a4-…
    """
    with open_services() as services:
        told = manage.try_endpoint(services, endpoint_id)
    if told.fate is not Fate.TAKEN:
        fail(f"It was not taken: {told.code}.")
    console.print(f"It was taken: {told.code}.", markup=False)


@app.command()
def rotate(
    endpoint_id: EndpointId,
    token_file: Annotated[
        typer.FileText | None, typer.Option("--token-file", help="For a CRM: holds its new token; - reads it.")
    ] = None,
    by: Actor = "",
) -> None:
    """Give it another secret. For a day both sign, so that the other side can change at leisure.

    Example: nurture webhooks rotate 0192f7a4-…
    """
    with open_services() as services:
        given = read_token(token_file) if token_file else None
        secret = manage.rotate_secret(services, endpoint_id, by, given)
    if given:
        console.print("The new token is used from now on.")
        return
    _show_secret(secret)
    hours = int(OLD_SECRET_LASTS.total_seconds() // 3600)
    console.print(f"The old one signs as well for {hours} more hours.", markup=False)


@app.command()
def pause(endpoint_id: EndpointId, by: Actor = "") -> None:
    """Tell it nothing for a while; what happens meanwhile waits for it.

    Example: nurture webhooks pause 0192f7a4-…
    """
    with open_services() as services:
        manage.pause_endpoint(services, endpoint_id, by)
    console.print("Paused. It goes on with: nurture webhooks resume")


@app.command()
def resume(endpoint_id: EndpointId, by: Actor = "") -> None:
    """Tell it again at once, after it was paused, had ended or failed.

    Example: nurture webhooks resume 0192f7a4-…
    """
    with open_services() as services:
        manage.resume_endpoint(services, endpoint_id, by)
    console.print("Resumed. What is parked for it is told by: nurture webhooks replay")


@app.command()
def replay(endpoint_id: EndpointId, by: Actor = "") -> None:
    """Tell it after all what is parked for it. Exits with 1 when some stays parked.

    Example: nurture webhooks replay 0192f7a4-…
    """
    with open_services() as services:
        again, left = replay_untold(services, endpoint_id, by)
    if left:
        fail(f"{again} events will be told again, {left} stay parked: resume it first.")
    console.print(f"{again} events will be told again.")


@app.command()
def remove(endpoint_id: EndpointId, by: Actor = "") -> None:
    """Tell it nothing any more. Its address and secrets are forgotten; what waits for it is withdrawn.

    Example: nurture webhooks remove 0192f7a4-…
    """
    with open_services() as services:
        untold = manage.remove_endpoint(services, endpoint_id, by)
    console.print(f"Removed. {untold} events were still to be told, and will not be.")


def read_token(file: typer.FileText) -> str:
    """The token in a file. Raises Refused."""
    if not (token := file.read().strip()):
        raise Refused("there is no token in this file")
    return token


def read_agreement(tells: list[Tell] | None, by: str, on: str) -> Agreement:
    """The agreement that was typed. Raises Refused."""
    try:
        day = date.fromisoformat(on) if on else None
    except ValueError:
        raise Refused("--agreed-on is no day; write YYYY-MM-DD") from None
    return Agreement(tells=frozenset(tells or ()), by=by.strip(), on=day)


def _show_secret(secret: str) -> None:
    console.print(secret, markup=False, soft_wrap=True)
    console.print("With this secret it checks that it is us; docs/integrators/webhooks.md shows how. Keep it safe.")


def _public(one: Endpoint) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(one).items()}


def _row(one: Endpoint) -> dict[str, Any]:
    return _public(one) | {"beside ids": ", ".join(one.tells), "state": _state(one)}


def _state(one: Endpoint) -> str:
    tries = {EndpointState.FAILING: f", {one.failures} times"}.get(one.state, "")
    return f"{one.state} ({one.last_code}{tries})" if one.last_code else str(one.state)
