"""Every word after `nurture`, with where its command is: loaded when it is asked for, and no other with it.

All of them together take a quarter of a second and 8 MB more than one: nobody should wait for what they don't want.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

PLACES = {
    "up": "product:up",
    "demo": "product:demo",
    "status": "operate:status",
    "doctor": "doctor:doctor",
    "pause": "pausing:pause",
    "resume": "pausing:resume",
    "report": "report:report",
    "simulate": "content:simulate",
    "render": "content:render",
    "publish": "content:publish",
    "lint": "lint:lint",
    "preview": "preview:preview",
    "retention": "rights:retention",
    "leads": "leads:app",
    "forms": "forms:app",
    "sends": "sends:app",
    "quarantine": "sends:quarantine",
    "parked": "parked:app",
    "queue": "queues:app",
    "spool": "operate:spool_app",
    "content": "versions:app",
    "keys": "keys:app",
    "tokens": "tokens:app",
    "users": "users:app",
    "webhooks": "webhooks:app",
    "feedback": "feedback:app",
    "db": "operate:database_app",
}
"""By word, in the order of the help: the module in this package, and the function or group in it."""


class OnDemand(MutableMapping[str, Any]):
    """The commands by word, each loaded at its first use."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, word: str) -> Any:
        if word not in self._loaded:
            self._loaded[word] = _load(word, PLACES[word])
        return self._loaded[word]

    def __setitem__(self, word: str, command: Any) -> None:
        self._loaded[word] = command

    def __delitem__(self, word: str) -> None:
        del self._loaded[word]

    def __iter__(self) -> Iterator[str]:
        return iter(PLACES)

    def __len__(self) -> int:
        return len(PLACES)


class CommandGroup(TyperGroup):
    """`nurture` itself."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = OnDemand()


def _load(word: str, place: str) -> Any:
    module, _, name = place.partition(":")
    found = getattr(import_module(f"worker.cli.{module}"), name)
    around = typer.Typer()
    if isinstance(found, typer.Typer):
        around.add_typer(found, name=word)
    else:
        around.command(word)(found)
    return typer.main.get_group(around).commands[word]
