"""A fresh database for each test, at the price of a copy: each migration runs once for each backend."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Protocol

from tests.support.postgres import Postgres

Migrate = Callable[[str], None]


class Databases(Protocol):
    """Makes databases; the argument fills the one that all of its kind are copied from."""

    def make(self, migrate: Migrate | None = None) -> str:
        """The URL of a database that nobody else uses, empty when there is nothing to migrate."""

    def drop_all(self) -> None:
        """Ends the databases made since the last call; those copied from stay."""


class SqliteDatabases:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        self._templates: dict[str, Path] = {}
        self._made: list[Path] = []

    def make(self, migrate: Migrate | None = None) -> str:
        path = self._folder / f"test-{next(self._numbers)}.db"
        self._made.append(path)
        if migrate:
            _copy(self._template(migrate), path)
        return f"sqlite:///{path}"

    def drop_all(self) -> None:
        while self._made:
            path = self._made.pop()
            for leftover in path.parent.glob(f"{path.name}*"):
                leftover.unlink()

    def _template(self, migrate: Migrate) -> Path:
        name = _name(migrate)
        if name not in self._templates:
            path = self._folder / f"template-{len(self._templates)}.db"
            migrate(f"sqlite:///{path}")
            self._templates[name] = path
        return self._templates[name]


class PostgresDatabases:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._numbers = itertools.count()
        self._templates: dict[str, str] = {}
        self._made: list[str] = []

    def make(self, migrate: Migrate | None = None) -> str:
        database = f"test_{next(self._numbers)}"
        self._create(database, self._template(migrate) if migrate else "template0")
        self._made.append(database)
        return self._postgres.url(database)

    def drop_all(self) -> None:
        while self._made:
            self._postgres.execute(f"DROP DATABASE {self._made.pop()} WITH (FORCE)")

    def _template(self, migrate: Migrate) -> str:
        name = _name(migrate)
        if name not in self._templates:
            database = f"template_{len(self._templates)}_"
            self._create(database, "template0")
            migrate(self._postgres.url(database))
            self._templates[name] = database
        return self._templates[name]

    def _create(self, database: str, template: str) -> None:
        # Copying files beats writing every page to the log: there is no durability here to protect.
        self._postgres.execute(f"CREATE DATABASE {database} TEMPLATE {template} STRATEGY file_copy")


def _name(migrate: Migrate) -> str:
    return f"{migrate.__module__}.{migrate.__qualname__}"


def _copy(source: Path, target: Path) -> None:
    """SQLite's own copy, which reads what still lies in the write-ahead log too."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
