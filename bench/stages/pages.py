"""Pages: how long each page of the console takes among 125,000 leads and a million emails, and what programs ask for.

No peer: the target is absolute, for a person who waits. Some people with all that happens to them are copied over and
over and spread over two months, on both databases; each page is asked for as a browser does, without the network.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from hashlib import md5
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Table, TextClause, event, func, select, text

from bench.harness import Bench, Report, Sample, Series, Target, expect
from tests.browser.console_pages import PAGES
from tests.support.console import Console, Person, open_console
from tests.support.world import World, migrate_world, open_world
from worker.domain.staff import Role
from worker.storage import tables
from worker.storage.columns import UtcDateTime

LEADS = 125_000
WITHIN_S = 0.3
DATABASES = ("sqlite", "postgresql")
_IDS = {"id", "lead_id", "enrollment_id", "submission_id"}
_COPIED = (tables.leads, tables.submissions, tables.consents, tables.enrollments, tables.sends, tables.timeline)
_PROGRAMS = ("/metrics", "/readyz")


def measure(bench: Bench) -> Report:
    leads = bench.number(LEADS, 40)
    report = Report(title=f"Pages among {leads:,} leads", unit="ms a page, the median")
    series: list[Series] = []
    for kind in DATABASES:
        folder = bench.new_folder("pages")
        url = bench.database() if kind == "postgresql" else _sqlite(folder)
        with open_world(url, folder) as world:
            if world.database.is_sqlite:
                event.listen(world.database.engine, "checkout", _teach_md5)
            bench.say(f"{kind}: making {leads:,} leads")
            report.notes.append(f"{kind}: {_fill(world, leads):,} sends")
            series += _times(bench, open_console(world, folder), kind)
    report.series = series
    slowest = max(series, key=lambda one: one.median)
    report.targets = [
        Target(says=f"the slowest: {slowest.name}", measured=slowest.median, at_most=1000 * WITHIN_S, unit="ms")
    ]
    return report


def _sqlite(folder: Path) -> str:
    url = f"sqlite:///{folder / 'lead.db'}"
    migrate_world(url)
    return url


def _teach_md5(connection: sqlite3.Connection, *_: object) -> None:
    connection.create_function("md5", 1, _md5, deterministic=True)


def _md5(text: str | None) -> str | None:
    return None if text is None else md5(text.encode(), usedforsecurity=False).hexdigest()


# --- the people ---


def _fill(world: World, leads: int) -> int:
    """Some real people with all that happens to them, and copies of them; how many sends there are then."""
    for number in range(20):
        world.post(
            email=f"person{number}@example.com",
            location=("carbondale", "albany", None)[number % 3],
            condition=("depression", "back_pain", "anxiety", "ptsd")[number % 4],
        )
        world.jump(timedelta(days=1, hours=5))
        world.deliver()
    for _ in range(14):
        world.jump(timedelta(days=2))
        world.deliver()
    with world.database.write() as connection:
        if not world.database.is_sqlite:  # take their time, and trust that what is copied with its kin has them
            connection.exec_driver_sql("set local statement_timeout = 0")
            connection.exec_driver_sql("set local session_replication_role = replica")
        for table in _COPIED:
            connection.execute(_copied(table, leads // 20 - 1, world.database.is_sqlite))
    with world.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("analyze")
        return int(connection.execute(select(func.count()).select_from(tables.sends)).scalar_one())


def _copied(table: Table, copies: int, is_sqlite: bool) -> TextClause:
    """The same rows for other people, each copy half a minute earlier; what is planned comes later instead."""
    columns = [column for column in table.columns if not (column.primary_key and column.type.python_type is int)]
    names = ", ".join(f'"{column.name}"' for column in columns)
    values = ", ".join(_changed(column, is_sqlite) for column in columns)
    numbers = f"with recursive n(k) as (select 1 union all select k + 1 from n where k < {copies})"
    into = f"insert into {table.name} ({names})"
    chosen = f"select {values} from {table.name} t cross join n"
    return text(f"{numbers} {into} {chosen}" if is_sqlite else f"{into} {numbers} {chosen}")


def _changed(column: Column[Any], is_sqlite: bool) -> str:
    """A column of a copy, as SQL. Rows of several tables find each other: an id is made of the id that it copies."""
    value = f't."{column.name}"'
    if column.name in _IDS:
        other = f"md5(cast({value} as text) || '/' || k)"
        return other if is_sqlite else f"cast({other} as uuid)"
    if column.name in {"email_hash", "phone_hash"}:
        return f"md5({value} || '/' || k)"
    if isinstance(column.type, UtcDateTime):
        away = "case when t.state = 'planned' then 30 else -30 end" if "state" in column.table.c else "-30"
        if is_sqlite:
            return f"strftime('%Y-%m-%d %H:%M:%f000', {value}, (k * ({away})) || ' seconds')"
        return f"{value} + k * ({away}) * interval '1 second'"
    return value


# --- the pages ---


def _times(bench: Bench, console: Console, kind: str) -> list[Series]:
    admin = console.person(Role.ADMIN, f"robin{kind}")
    return [_time(bench, admin, f"{kind} {name}", path) for name, path in _addresses(console.world)]


def _addresses(world: World) -> Iterator[tuple[str, str]]:
    """Each page by its name, and where it stands."""
    with world.database.read() as connection:
        send = connection.execute(select(tables.sends).where(tables.sends.c.state == "sent").limit(1)).one()
    known: Mapping[str, str] = {"lead": send.lead_id, "danger": send.lead_id, "sent": send.id, "day": "2026-03-10"}
    for path in PAGES:
        try:
            yield path, "/console" + path.format(**known)
        except KeyError:
            continue
    yield from ((path, path) for path in _PROGRAMS)


def _time(bench: Bench, admin: Person, name: str, path: str) -> Series:
    bench.say(name)
    samples = []
    for _ in range(bench.rounds + (bench.rounds > 1)):
        begun = time.perf_counter()
        answer = admin.client.get(path, headers={"Sec-Fetch-Site": "same-origin"})
        samples.append(Sample(1000 * (time.perf_counter() - begun)))
        expect(f"{path}: bytes over 100 KB", max(len(answer.content) - 100 * 1024, 0), 0)
    return Series(name, tuple(samples[-bench.rounds :]))
