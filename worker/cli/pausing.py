"""`pause` and `resume`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

import typer

from worker.cli.common import Actor, default_actor, open_services
from worker.cli.output import console, fail
from worker.domain.leads import Location
from worker.storage.pauses import PauseScope
from worker.usecases import pausing

_LASTS = re.compile(r"(\d+) ?(minutes?|hours?|days?)")

Where = Annotated[Location | None, typer.Option(help="Only this location.")]
Which = Annotated[str, typer.Option(help="Only this sequence.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(pause)
    app.command()(resume)


def pause(
    reason: Annotated[str, typer.Option("--reason", help="Why; shown to everyone who asks.")],
    location: Where = None,
    sequence: Which = "",
    lasts: Annotated[str, typer.Option("--for", help="such as '2 hours'; without it, until someone resumes")] = "",
    by: Actor = "",
) -> None:
    """Stop sending, at once: everything, a location, or a sequence. Leads are still stored, staff still told.

    Example: nurture pause --location albany --reason "phones are down" --for "2 hours"
    """
    scope, value = _scope(location, sequence)
    with open_services() as services:
        until = pausing.pause(services, scope, value, reason, by or default_actor(), _duration(lasts))
    end = f"until {until:%Y-%m-%d %H:%M} UTC" if until else "until someone resumes it"
    console.print(f"Paused: {value or 'everything'}, {end}.", markup=False)


def resume(location: Where = None, sequence: Which = "", by: Actor = "") -> None:
    """End a pause. What it held goes out at its next decent hour, never all at once to one person.

    Example: nurture resume --location albany
    """
    scope, value = _scope(location, sequence)
    with open_services() as services:
        released = pausing.resume(services, scope, value, by or default_actor())
    console.print(f"Resumed: {value or 'everything'}; {released} held sends go on.", markup=False)


def _scope(location: Location | None, sequence: str) -> tuple[PauseScope, str | None]:
    if location and sequence:
        fail("Give --location or --sequence, not both.")
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
