"""One product with everything around it, on SQLite or PostgreSQL, that can be broken piece by piece."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import func, select, update

from tests.faults.harness.clients import Clients
from tests.faults.harness.crew import Crew
from tests.faults.harness.keyed_mailbox import KeyedMailbox
from tests.faults.harness.log import Log
from tests.faults.harness.mailbox import Mailbox, Temper
from tests.faults.harness.servers import KillablePostgres, KillableRedis
from tests.faults.harness.verdict import Delivery, Ledger, Verdict, judge
from worker.content.catalog import read_content_files
from worker.domain.clock import ProductClock
from worker.domain.sends import UNKNOWN_BLOCKS_FOR
from worker.keys import key_ring
from worker.runtime.supervisor import free_port
from worker.settings import TEMPLATES, load_settings
from worker.storage import installation, sends, tables
from worker.storage.database import Database, real_now
from worker.usecases.prepare import prepare

MONDAY = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
"""A Monday at nine in Carbondale; all shipped content is within its review dates."""


@dataclass
class Scene:
    """Everything. `promised` and `mailbox.log` are the oracles; `database` is looked into, never trusted."""

    folder: Path
    crew: Crew
    redis: KillableRedis
    postgres: KillablePostgres | None
    mailbox: Mailbox | KeyedMailbox
    promised: Log
    database: Database
    orders: Path
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def is_sqlite(self) -> bool:
        return self.postgres is None

    @property
    def sqlite_file(self) -> Path:
        return self.crew.state / "lead.db"

    def order(self, point: str, word: str = "kill") -> Path:
        """Arm a fault point: the next process that passes it stops."""
        path = self.orders / f"{point}.{word}"
        path.touch()
        return path

    def obeyed(self, point: str, word: str = "kill") -> list[int]:
        """The processes that stopped at this point."""
        return [int(path.suffix[1:]) for path in self.orders.glob(f"{point}.{word}.*")]

    # --- people ---

    def post(self, *, patience_s: float = 75.0, **changed: object) -> str:
        """One new person posts until accepted, while the crew is kept running; the submission's id."""
        client = Clients(self.crew.url, self.promised, id(self), 1.0)
        number = next(self.numbers)
        with ThreadPoolExecutor(1) as pool, requests.Session() as session:
            posting = pool.submit(client.post, session, number, patience_s, **changed)
            while not posting.done():
                self.crew.keep()
                time.sleep(0.02)
            accepted = posting.result()
        assert accepted is not None, f"not accepted\n{self.crew.ends_of_logs()}"
        return accepted

    def until(self, condition: Callable[[], object], seconds: float = 75.0, why: str = "") -> None:
        """Poll, with the crew kept running; fails when it does not come true in time."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not in {seconds:.0f} s: {why}\n{self.crew.ends_of_logs()}"
            self.crew.keep()
            time.sleep(0.05)

    def settled(self, seconds: float = 75.0) -> Verdict:
        """The verdict once all is quiet."""
        return self.verdict(self.wait_quiet(seconds))

    def acknowledgement(self, submission_id: str) -> Mapping[str, Any]:
        """The send that answers this submission; its state is "none yet" until it is captured."""
        ledger = self.ledger()
        lead_id = ledger.lead_of.get(submission_id)
        answers = [send for send in ledger.sends if send["lead_id"] == lead_id and send["kind"] == "acknowledgement"]
        assert len(answers) <= 1
        return answers[0] if answers else {"id": "", "state": "none yet"}

    def times_delivered(self, send_id: str) -> int:
        return sum(delivery.send_id == send_id for delivery in self.deliveries())

    # --- time ---

    def stop_calendar(self) -> None:
        """From now on nothing new becomes due.

        It stands a little ahead: what was planned by the running clock while it was being stopped is due, too.
        """
        with self.database.write() as connection:
            real = real_now(connection)
            ahead = installation.clock(connection).at(real) + timedelta(minutes=30)
            installation.set_clock(connection, ProductClock(speed=0.0, real_anchor=real, product_anchor=ahead))

    def end_back_off(self) -> None:
        """What was refused for now may be tried at once: what waiting for some minutes would do."""
        with self.database.write() as connection:
            connection.execute(update(tables.sends).values(not_before=None))
            connection.execute(update(tables.breakers).values(retry_at=None))

    def ticks(self) -> int:
        """How often beat was obeyed, as the database counts it."""
        with self.database.read() as connection:
            return int(connection.execute(select(tables.installation.c.ticks)).scalar_one())

    # --- is it done ---

    def is_quiet(self) -> bool:
        """Nothing waits in the spool, nothing is due, claimed or on its way."""
        if any((self.crew.state / "spool" / "ready").iterdir()):
            return False
        with self.database.read() as connection:
            return sends.is_quiet(connection, installation.product_now(connection))

    def wait_quiet(self, seconds: float) -> float | None:
        """How long it took, with everything kept running; None where it took too long."""
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            self.crew.keep()
            with contextlib.suppress(Exception):  # the database may still be starting
                if self.is_quiet():
                    return time.monotonic() - begun
            time.sleep(0.1)
        return None

    # --- the verdict ---

    def ledger(self) -> Ledger:
        with self.database.read() as connection:
            now = installation.product_now(connection)
            stored = connection.execute(select(tables.submissions.c.id, tables.submissions.c.lead_id)).all()
            parked = connection.execute(select(func.count()).select_from(tables.parked)).scalar_one()
            rows = [dict(row._mapping) for row in connection.execute(select(tables.sends))]
            taught = select(tables.enrollments.c.id).where(tables.enrollments.c.status == "active")
            active = set(connection.execute(taught).scalars())
        return Ledger(
            submissions=frozenset(row.id for row in stored),
            parked=parked,
            lead_of={row.id: row.lead_id for row in stored},
            sends=rows,
            now=now,
            stranded=len(active - {send["enrollment_id"] for send in rows if _stands_open(send, now)}),
        )

    def deliveries(self) -> list[Delivery]:
        return [
            Delivery(recipient=words[1], send_id=words[2], subject=words[3])
            for words in self.mailbox.log.lines()
            if words[0] == "accepted"
        ]

    def verdict(self, drained_s: float | None) -> Verdict:
        promises = [words[1] for words in self.promised.lines()]
        return judge(promises, self.deliveries(), self.ledger(), drained_s)

    def who_said_too_much(self) -> list[str]:
        """Logs that hold somebody's address."""
        logs = sorted((self.crew.state / "run").glob("*.log"))
        return [log.name for log in logs if b"@example.com" in log.read_bytes().replace(b"alerts@", b"")]


def _stands_open(send: Mapping[str, Any], now: datetime) -> bool:
    """Something is still to come of this send, so that its enrollment waits for it."""
    waits = send["state"] == "unknown" and send["handed_over_at"] > now - UNKNOWN_BLOCKS_FOR
    return waits or send["state"] in {"planned", "claimed", "held", "handed_over"}


@contextmanager
def open_scene(
    folder: Path,
    *,
    on: str,
    seed: int = 1,
    clock_speed: float = 1.0,
    leases: float = 0.02,
    workers: int = 1,
    beats: int = 1,
    keyed: bool = False,
    broken: str = "",
    **settings: str,
) -> Iterator[Scene]:
    """Everything started and ready, with a provider that honours keys or one that has none.

    `settings` are NURTURE_ variables in lower case.
    """
    with ExitStack() as stack:
        folder.mkdir(parents=True, exist_ok=True)
        state, orders = folder / "state", folder / "orders"
        orders.mkdir()
        state.mkdir()
        redis = KillableRedis(folder / "redis")
        redis.start()
        stack.callback(redis.stop)
        postgres = None
        if on == "postgresql":
            postgres = KillablePostgres()
            stack.callback(postgres.remove)
            postgres.start()
            postgres.make_database()
        delivered, temper = Log(folder / "delivered.log"), Temper(is_strange=random.Random(seed))
        mailbox = KeyedMailbox(delivered, temper) if keyed else Mailbox(delivered, temper)
        stack.callback(mailbox.stop)
        promised = Log(folder / "promised.log")
        stack.callback(promised.close)
        given = {
            "state_dir": str(state),
            "bind": f"127.0.0.1:{free_port(0)}",
            "rate_limit": "off",
            "send_rate": "off",
            "redis_url": redis.url,
            "mail_url": mailbox.url,
            "clock_speed": str(clock_speed),
            "log_level": "WARNING",
            "fault_dir": str(orders),
            "fault_leases": str(leases),
            **({"database_url": postgres.url} if postgres else {}),
            **settings,
        }
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NURTURE_")}
        environment |= {f"NURTURE_{name.upper()}": value for name, value in given.items()}
        crew = Crew(state, environment, workers=workers, beats=beats, broken=broken)
        database = _prepare(environment, clock_speed)
        stack.callback(database.close)
        stack.callback(crew.end)
        crew.start()
        yield Scene(folder, crew, redis, postgres, mailbox, promised, database, orders)


def _prepare(environment: dict[str, str], clock_speed: float) -> Database:
    """As a first start does, with the calendar on a day when mail goes out."""
    settings = load_settings(environment)
    database = Database(settings.database)
    prepare(database, key_ring(settings), clock_speed, read_content_files(TEMPLATES))
    with database.write() as connection:
        clock = ProductClock(speed=clock_speed, real_anchor=real_now(connection), product_anchor=MONDAY)
        installation.set_clock(connection, clock)
    return database
