"""Claiming the next 500 due sends, and what beat asks every few seconds, in a small table and in a large one.

Every lead has a sequence under way, one send to come and one behind; every tenth send to come is due. Claims are
given back outside of the measured time. And four claimers at once: none may get what another has.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from sqlalchemy import Connection, Table, text, update

from bench.harness import Bench, Report, Sample, Target, Way, expect
from tests.support.world import World, open_world
from worker.domain.sends import SendState
from worker.storage import claims, tables
from worker.storage.broker import Broker
from worker.storage.database import real_now
from worker.storage.spool import Spool
from worker.usecases.health.sample import take_sample
from worker.usecases.health.status import read_status
from worker.usecases.reports.tally import bring_up_to_date
from worker.usecases.sweep import sweep

LIMIT, CLAIMERS = 500, 4
DAYS = 200
"""Over so many the leads came, and what they have had went out: nobody gets millions on one."""

TIMES = 5

_IN_ORDER = "(substr(lpad(to_hex(number), 12, '0') || '7' || md5(random()::text), 1, 32))::uuid"
"""Ids that rise with time, as `worker.domain.ids.new_id` makes those of leads and enrollments."""


def measure(bench: Bench) -> Report:
    limit = min(LIMIT, min(bench.rows) // 20)
    with filled(bench, min(bench.rows)) as small, filled(bench, max(bench.rows)) as large:
        works: Mapping[str, Callable[[World], Sample]] = {
            f"claim of {limit}": lambda world: claims_of(world, limit),
            "status": lambda world: _milliseconds(lambda: _status(bench, world)),
            "sweep, with repair": lambda world: _milliseconds(lambda: sweep(world.services)),
        }
        for world in (small, large):
            world.services.broker = Broker(bench.valkey.url)
            bench.say(f"counting what {_count(world):,} people had, day by day, as a product does from its first day")
            bring_up_to_date(world.services)
            take_sample(world.services)  # as every product does within its first minute
        report = Report(title="Claim, status and repair by the size of the table", unit="ms")
        for name, work in works.items():
            series = bench.alternate(
                [Way(f"{name}, {_count(world):,} to come", _on(world, work)) for world in (small, large)]
            )
            report.series = [*report.series, *series]
            ratio = series[1].over(series[0])
            report.targets.append(Target(says=f"{name}: large against small", measured=ratio, at_most=1.5))
        report.notes.append(f"{CLAIMERS} claimers at once got {_race(large, limit):,} sends, none of them twice.")
    return report


def _on(world: World, work: Callable[[World], Sample]) -> Callable[[], Sample]:
    return lambda: work(world)


def _milliseconds(work: Callable[[], object]) -> Sample:
    begun = time.perf_counter()
    for _ in range(TIMES):
        work()
    return Sample(1e3 * (time.perf_counter() - begun) / TIMES)


def claims_of(world: World, limit: int) -> Sample:
    now, spent = world.now, 0.0
    for _ in range(TIMES):
        begun = time.perf_counter()
        with world.database.write() as connection:
            claimed = claims.claim_due(connection, now, real_now(connection), limit)
        spent += time.perf_counter() - begun
        expect("sends claimed", len(claimed), limit)
        _give_back(world)
    return Sample(1e3 * spent / TIMES)


def _give_back(world: World) -> None:
    given = {"state": SendState.PLANNED, "claim": None, "lease_until": None}
    world.execute(update(tables.sends).where(text("state in ('claimed', 'handed_over')")).values(given))


def _status(bench: Bench, world: World) -> None:
    broker = Broker(bench.valkey.url)
    read_status(world.database, broker, Spool(world.folder / "spool"))
    broker.close()


def _race(world: World, limit: int) -> int:
    """How many sends four claimers got, when each asks until nothing is left or it has had enough."""

    def some() -> list[str]:
        got: list[str] = []
        for _ in range(TIMES):
            with world.database.write() as connection:
                got += [
                    row["id"] for row in claims.claim_due(connection, now, real_now(connection), max(1, limit // 10))
                ]
        return got

    now = world.now
    with ThreadPoolExecutor(CLAIMERS) as pool:
        everyone = [future.result() for future in [pool.submit(some) for _ in range(CLAIMERS)]]
    had = Counter(send_id for got in everyone for send_id in got)
    expect("sends claimed by two", sum(count > 1 for count in had.values()), 0)
    expect("sends claimed by four at once", len(had), CLAIMERS * TIMES * max(1, limit // 10))
    _give_back(world)
    return len(had)


def _count(world: World) -> int:
    with world.database.read() as connection:
        return int(connection.execute(text("select count(*) from sends where state = 'planned'")).scalar_one())


@contextmanager
def filled(bench: Bench, rows: int) -> Iterator[World]:
    """A world with so many leads, each like one that was captured."""
    with open_world(bench.database(), bench.new_folder("world")) as world:
        world.lead_from()
        bench.say(f"filling a table with {2 * rows:,} sends")
        with world.database.write() as connection:
            _multiply(connection, rows)
        with world.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("set statement_timeout = 0"))
            connection.execute(text("vacuum analyze"))
            connection.execute(text("reset statement_timeout"))
        yield world


def _multiply(connection: Connection, rows: int) -> None:
    """Copy the one lead by the database's own means; its checks of references would read each row again."""
    connection.execute(text("set local session_replication_role = replica"))
    connection.execute(text("set local statement_timeout = 0"))
    connection.execute(
        text(f"create temp table fresh as select {_IN_ORDER} as lead, {_IN_ORDER} as enrollment, number"
             " from generate_series(1, :rows) as number"), {"rows": rows}
    )  # fmt: skip
    unique = {"id": "lead", "reference": "'R' || number", "email_hash": "'h' || number", "phone_hash": "null"}
    age = f"(number % {max(1, min(DAYS, rows // 100))}) * interval '1 day'"
    _copy(connection, tables.leads, "true", unique | {"waiting_since": "null", "created_at": f"created_at - {age}"})
    _copy(connection, tables.enrollments, "true", {"id": "enrollment", "lead_id": "lead"})
    whose = {"id": "gen_random_uuid()", "lead_id": "lead", "enrollment_id": "enrollment"}
    _copy(connection, tables.sends, "kind = 'nurture'", whose | {
        "step": "'before'", "state": "'sent'", "due_at": f"due_at - interval '60 days' - {age}",
        "sent_at": f"due_at - interval '60 days' - {age}",
    })  # fmt: skip
    due = "case when number % 10 = 0 then due_at - interval '30 days' else due_at end - number * interval '1 ms'"
    _copy(connection, tables.sends, "kind = 'nurture' and state = 'planned'", whose | {"due_at": due})


def _copy(connection: Connection, table: Table, which: str, changed: Mapping[str, str]) -> None:
    names = [column.name for column in table.columns]
    chosen = ", ".join(changed.get(name, f"one.{name}") for name in names)
    source = f"(select * from {table.name} where {which} limit 1) as one"
    connection.execute(text(f"insert into {table.name} ({', '.join(names)}) select {chosen} from {source}, fresh"))
