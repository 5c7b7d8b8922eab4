"""How commands speak: calm text for people, one JSON value for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

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


_WHOLE = {"id", "submission_id", "reference", "code"}
"""What is typed again elsewhere, or looked up, and so is never cut off on a narrow screen."""


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], empty: str) -> None:
    """A table, or a sentence where there is nothing to show."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=column in _WHOLE)
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


@dataclass(frozen=True, slots=True)
class Times:
    """Instants for people, all in one zone, which each of them names; `--json` has them with their offset."""

    zone: str

    def __call__(self, at: datetime | str | None) -> str:
        """`2026-03-05 09:00 CST`; empty for nothing."""
        if at is None:
            return ""
        instant = datetime.fromisoformat(at) if isinstance(at, str) else at
        return f"{instant.astimezone(ZoneInfo(self.zone)):%Y-%m-%d %H:%M %Z}"

    def rows(self, found: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> list[list[Any]]:
        """These columns of what was found; what ends in `_at` is an instant."""
        return [[self(row[name]) if name.endswith("_at") else row[name] for name in columns] for row in found]
