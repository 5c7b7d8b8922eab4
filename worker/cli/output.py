"""How commands speak: calm text for people, one JSON value for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from rich.console import Console
from rich.table import Table

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """One JSON value on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def fail(text: str) -> NoReturn:
    """Say what went wrong, and exit with 1."""
    errors.print(text, style="red", markup=False)
    sys.exit(1)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], empty: str) -> None:
    """A table, or a sentence where there is nothing to show."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column)
    count = 0
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
        count += 1
    console.print(table if count else empty)


def print_facts(facts: Mapping[str, Any]) -> None:
    """Name and value, one a line."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        console.print(f"{name:<{width}}  {value}", markup=False)
