"""Read TOML tables with errors for people: each names the file and the key, and says what to write instead.

Problems are collected, so that one look shows all of them; `Table.done` reports keys that nothing reads.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, time, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from worker.domain.schedule import Window
from worker.errors import TemplateError

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")

_DURATION = re.compile(r"(\d+) (hour|day|minute)s?")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Problems:
    """What is wrong with the content, gathered over all files."""

    def __init__(self) -> None:
        self.found: list[TemplateError] = []

    def add(self, source: str, problem: str, line: int | None = None) -> None:
        """Note one problem."""
        self.found.append(TemplateError(source, problem, line))


def read_toml(text: str, source: str, problems: Problems) -> dict[str, Any]:
    """The parsed text; an empty table, and a problem with its line, where it is not TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        problems.add(source, f"is not valid TOML: {error}", int(line.group(1)) if line else None)
        return {}


class Table:
    """One TOML table. Each reader names its key once and falls back to a harmless value on a problem."""

    def __init__(self, data: Mapping[str, Any], source: str, problems: Problems, path: str = "") -> None:
        self.source, self.problems = source, problems
        self._data, self._path, self._read = data, path, set[str]()

    def problem(self, key: str, text: str) -> None:
        """Note that a key's value is wrong."""
        self.problems.add(self.source, f"{self._path}{key} {text}")

    def has(self, key: str) -> bool:
        """True where the key is written."""
        return key in self._data

    def text(self, key: str, default: str | None = None) -> str:
        """A string that is not blank, unless it has a default."""
        value = self._take(key, str, "a text in quotes", default)
        if value is None:
            return ""
        text = str(value).strip()
        if not text and default is None:
            self.problem(key, "is empty; write its words between the quotes")
        return text

    def number(self, key: str) -> float:
        """A number."""
        return float(self._take(key, (int, float), "a number", None) or 0)

    def flag(self, key: str, default: bool = False) -> bool:
        """true or false."""
        return bool(self._take(key, bool, "true or false", default))

    def day(self, key: str) -> date:
        """A date, written without quotes."""
        return self._take(key, date, "a date such as 2027-05-01, without quotes", None) or date.max

    def clock_time(self, key: str) -> time:
        """A time of day, written without quotes."""
        return self._take(key, time, "a time such as 09:00:00, without quotes", None) or time.min

    def duration(self, key: str) -> timedelta:
        """`2 days`, `48 hours`, `30 minutes`."""
        text = self.text(key)
        match = _DURATION.fullmatch(text)
        if match is None:
            if text:
                self.problem(key, f"is {text!r}; write it as '2 days' or '48 hours'")
            return timedelta(days=1)
        return timedelta(**{match.group(2) + "s": int(match.group(1))})

    def texts(self, key: str, default: list[str] | None = None) -> tuple[str, ...]:
        """A list of strings."""
        values = self._take(key, list, 'a list such as ["a", "b"]', default) or []
        if not all(isinstance(value, str) for value in values):
            self.problem(key, "must hold texts in quotes only")
            return ()
        return tuple(values)

    def choice(self, key: str, vocabulary: type[E]) -> E | None:
        """One word of a closed vocabulary."""
        word = self.text(key)
        return self._word(key, word, vocabulary) if word else None

    def choices(self, key: str, vocabulary: type[E], default: list[str] | None = None) -> tuple[E, ...]:
        """Several words of a closed vocabulary, in the order written."""
        words = [self._word(key, word, vocabulary) for word in self.texts(key, default)]
        return tuple(word for word in words if word is not None)

    def window(self, days: str = "days", start: str = "from", until: str = "until") -> Window:
        """Days and hours, as `days = ["mon", …]`, `from = 09:00:00`, `until = 18:00:00`."""
        names = self.texts(days)
        for name in names:
            if name not in _DAYS:
                self.problem(days, f"knows no day {name!r}; write {', '.join(_DAYS)}")
        window = Window(
            days=frozenset(_DAYS.index(name) for name in names if name in _DAYS),
            start=self.clock_time(start),
            until=self.clock_time(until),
        )
        if window.is_empty:
            self.problem(days, "and hours leave no time at which anything could be sent")
        return window

    def table(self, key: str) -> Table:
        """A table within this one."""
        data = self._take(key, dict, f"a table: write [{self._path}{key}]", None) or {}
        return Table(data, self.source, self.problems, f"{self._path}{key}.")

    def tables(self, key: str, default: list[Any] | None = None) -> Iterator[Table]:
        """The tables of a list, as `[[key]]`."""
        rows = self._take(key, list, f"a list of tables: write [[{self._path}{key}]]", default) or []
        for number, row in enumerate(rows, 1):
            yield Table(
                row if isinstance(row, dict) else {},
                self.source,
                self.problems,
                f"{self._path}{key}[{number}].",
            )

    def named(self, key: str) -> Iterator[tuple[str, Table]]:
        """The tables of a table, each with its name, as `[key.name]`."""
        inner = self.table(key)
        for name in inner.names():
            yield name, inner.table(name)

    def names(self) -> tuple[str, ...]:
        """The keys written, in order."""
        return tuple(self._data)

    def done(self) -> None:
        """Report keys that nobody has read: most are misspelled."""
        for key in self._data:
            if key not in self._read:
                self.problem(key, "is not a known key; check its spelling")

    def _word(self, key: str, word: str, vocabulary: type[E]) -> E | None:
        try:
            return vocabulary(word)
        except ValueError:
            self.problem(key, f"knows no {word!r}; write one of {', '.join(vocabulary)}")
            return None

    def _take(self, key: str, kind: type[T] | tuple[type, ...], wanted: str, default: T | None) -> Any:
        self._read.add(key)
        if key not in self._data:
            if default is None:
                self.problem(key, f"is missing; write {wanted}")
            return default
        value = self._data[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.problem(key, f"must be {wanted}")
            return default
        return value
