"""`pause` and `resume`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

import typer

from worker.cli.common import Actor, open_services, times_of
from worker.cli.output import console, fail
from worker.domain.leads import Location
from worker.domain.sends import SendState
from worker.queues import QueueName
from worker.storage import installation, pauses, send_figures, sends
from worker.storage.pauses import PauseScope
from worker.usecases.sending import pausing
from worker.usecases.sending.epoch import confirm_epoch

_LASTS = re.compile(r"(\d+) ?(minutes?|hours?|days?)")

Where = Annotated[Location | None, typer.Option(help="Only this location.")]
Queue = Annotated[QueueName | None, typer.Option(help="Only the work of this queue.")]
Which = Annotated[str, typer.Option(help="Only this sequence.")]


def pause(
    reason: Annotated[str, typer.Option("--reason", help="Why; shown to everyone who asks.")],
    location: Where = None,
    sequence: Which = "",
    queue: Queue = None,
    lasts: Annotated[str, typer.Option("--for", help="such as '2 hours'; without it, until someone resumes")] = "",
    by: Actor = "",
) -> None:
    """Stop sending, at once: everything, a location, a sequence, or the work of a queue.

    Leads are still stored and staff still told, unless their own queues are paused; nothing is lost by it.

    Example: nurture pause --location albany --reason "phones are down" --for "2 hours"
    """
    scope, value = _scope(location, sequence, queue)
    with open_services() as services:
        until = pausing.pause(services, scope, value, reason, by, _duration(lasts))
        times = times_of(services)
    end = f"until {times(until)}" if until else "until someone resumes it"
    console.print(f"Paused: {value or 'everything'}, {end}.", markup=False)


def resume(
    location: Where = None,
    sequence: Which = "",
    queue: Queue = None,
    epoch: Annotated[bool, typer.Option("--epoch", help="Confirm that this database shall send.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --epoch: do not ask.")] = False,
    by: Actor = "",
) -> None:
    """End a pause. What it held goes out at its next decent hour, never all at once to one person.

    Example: nurture resume --location albany
    """
    if epoch:
        _confirm_epoch(by, yes=yes)
        return
    scope, value = _scope(location, sequence, queue)
    with open_services() as services:
        with services.database.read() as connection:
            was_paused = pauses.is_paused(connection, scope, value, installation.product_now(connection))
        released = pausing.resume(services, scope, value, by)
        with services.database.read() as connection:
            left = pauses.active(connection, installation.product_now(connection))
    resumed = f"Resumed: {value or 'everything'}; {released} held sends go on."
    console.print(resumed if was_paused else f"There was no pause of {value or 'everything'}.", markup=False)
    for pause in left:
        console.print(f"Still paused: {pause['reason']}. To end it: {_ending(pause)}", markup=False)


def _ending(pause: Mapping[str, Any]) -> str:
    """The command that ends a pause."""
    if pause["scope"] == PauseScope.EPOCH:
        return "nurture resume --epoch"
    return "nurture resume" + (f" --{pause['scope']} {pause['value']}" if pause["value"] else "")


def _confirm_epoch(actor: str, *, yes: bool) -> None:
    with open_services() as services:
        with services.database.read() as connection:
            now = installation.product_now(connection)
            if not pauses.is_epoch_held(connection):
                fail("Nothing waits for a confirmation: this database is known here.")
            due, oldest = sends.due(connection, now)
            held = send_figures.count_attention(connection)[SendState.HELD]
        since = f" (the oldest since {times_of(services)(oldest)})" if oldest else ""
        console.print(f"{due} sends are due{since}, {held} are held.")
        console.print("If an older copy was restored, some of them may have gone out after it was made.")
        if not yes and not typer.confirm("Shall this database send?"):
            fail("Nothing changed; sending stays held.")
        released = confirm_epoch(services, actor)
    console.print(f"Confirmed; {released} held sends go on.")


def _scope(location: Location | None, sequence: str, queue: QueueName | None) -> tuple[PauseScope, str | None]:
    if sum(map(bool, (location, sequence, queue))) > 1:
        fail("Give one of --location, --sequence and --queue.")
    if queue:
        return PauseScope.QUEUE, queue
    if location:
        return PauseScope.LOCATION, location
    return (PauseScope.SEQUENCE, sequence) if sequence else (PauseScope.ALL, None)


def _duration(text: str) -> timedelta | None:
    if not text:
        return None
    match = _LASTS.fullmatch(text.strip())
    if match is None:
        fail(f"{text!r} is no length of time; write '30 minutes', '2 hours' or '3 days'.")
    return timedelta(**{match.group(2).rstrip("s") + "s": int(match.group(1))})
