"""A thousand people at once, and a product that is hurt while it answers them. Mail goes to a real SMTP server."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
import requests
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import func, select, update

from tests.e2e.product import Product, new_product, post, until
from tests.support.smtp import SmtpSink
from worker.settings import load_settings
from worker.storage.database import Database
from worker.storage.tables import alerts, enrollments, leads, sends, submissions

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

POSTS, THREADS = 1000, 16
PEOPLE = 667
"""A third of the posts comes from someone who posted before."""


class SlowSink(SmtpSink):
    """Takes so many messages, where `room` says how many; the others wait, with whoever sends them."""

    room: int | None = None

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        while self.room is not None and len(self.messages) >= self.room:
            await asyncio.sleep(0.01)
        return await super().handle_DATA(server, session, envelope)


@pytest.fixture(scope="module")
def mailbox() -> Iterator[SlowSink]:
    server = SlowSink()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def running(mailbox: SlowSink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    state = tmp_path_factory.mktemp("load") / "state"
    with new_product(state, mail_url=f"{mailbox.url}?tls=none", send_rate="off") as prepared:
        yield prepared.start()


@pytest.fixture
def database(running: Product, mailbox: SlowSink) -> Iterator[Database]:
    mailbox.clear()
    yield running.database()
    mailbox.room = None


def spooled(running: Product) -> int:
    return len(list((running.state / "spool" / "ready").iterdir()))


def posts_of(run: str) -> list[dict[str, Any]]:
    """Everyone at least once, some again, in no order; a repeat says something else."""
    chance = random.Random(7)
    people = [*range(PEOPLE), *(chance.randrange(PEOPLE) for _ in range(POSTS - PEOPLE))]
    chance.shuffle(people)
    return [
        {
            "email": f"person{person}.{run}@example.com",
            "first_name": f"Person {person}",
            "location": ("carbondale", "albany", "")[person % 3],
            "condition": ("depression", "anxiety", "ptsd")[number % 3],
            "message": f"post {number}",
            "consent_email": True,
        }
        for number, person in enumerate(people)
    ]


def post_all(running: Product, fields: list[dict[str, Any]], threads: int = THREADS) -> list[str]:
    """By so many clients, each over one kept connection; the ids, in no order."""
    queue = iter(fields)
    lock = threading.Lock()

    def client() -> list[str]:
        ids = []
        with requests.Session() as session:
            while True:
                with lock:
                    each = next(queue, None)
                if each is None:
                    return ids
                ids.append(post(running.url, session, **each)["submission_id"])

    with ThreadPoolExecutor(threads) as pool:
        return [each for future in [pool.submit(client) for _ in range(threads)] for each in future.result()]


def of_run(database: Database, ids: list[str]) -> dict[str, Any]:
    """What became of these submissions."""
    with database.read() as connection:
        rows = connection.execute(select(submissions.c.id, submissions.c.lead_id)).all()
        mine = {row.lead_id for row in rows if row.id in set(ids)}
        counted = {
            table.name: Counter(
                row[0] for row in connection.execute(select(table.c.lead_id).where(table.c.lead_id.is_not(None)))
            )
            for table in (enrollments, sends)
        }
        acknowledged = Counter(
            row.state
            for row in connection.execute(
                select(sends.c.lead_id, sends.c.state).where(sends.c.kind == "acknowledgement")
            )
            if row.lead_id in mine
        )
        told = connection.execute(
            select(func.count()).where(alerts.c.kind == "new_lead", alerts.c.lead_id.in_(mine))
        ).scalar_one()
    return {
        "stored": sum(row.id in set(ids) for row in rows),
        "leads": len(mine - {None}),
        "enrollments": [counted["enrollments"][lead] for lead in mine],
        "acknowledged": acknowledged,
        "told": told,
    }


def received(mailbox: SlowSink) -> Counter[str]:
    """How often each message came, by its identity."""
    return Counter(str(each.message["Message-ID"]) for each in mailbox.wait_for(0))


def test_a_thousand_posts_make_exactly_the_people_and_each_is_answered_once_within_seconds(
    running: Product, database: Database, mailbox: SlowSink
) -> None:
    fields = posts_of(uuid4().hex[:6])

    ids = post_all(running, fields)
    mailbox.wait_for(PEOPLE, seconds=60)
    until(lambda: spooled(running) == 0)
    until(lambda: of_run(database, ids)["acknowledged"]["sent"] == PEOPLE, why=lambda: of_run(database, ids))

    assert len(set(ids)) == POSTS
    found = of_run(database, ids)
    assert found["stored"] == POSTS
    assert found["leads"] == PEOPLE
    assert set(found["enrollments"]) == {1}
    assert found["acknowledged"] == {"sent": PEOPLE}
    assert found["told"] == PEOPLE
    assert set(received(mailbox).values()) == {1}
    assert Counter(each.recipients for each in mailbox.messages) == {
        (address,): 1 for address in {each["email"] for each in fields}
    }
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(leads)).scalar_one() >= PEOPLE


@pytest.mark.faults
def test_flushing_redis_while_people_post_loses_nobody(running: Product, database: Database, mailbox: SlowSink) -> None:
    fields = [{"email": f"flushed{number}.{uuid4().hex[:6]}@example.com"} for number in range(200)]
    done = threading.Event()
    flushed = 0
    with ThreadPoolExecutor(1) as pool, redis.Redis.from_url(load_settings(running.environment).broker) as broker:
        posting = pool.submit(post_all, running, fields, 4)
        posting.add_done_callback(lambda _: done.set())
        while not done.wait(0.01):
            broker.flushall()
            flushed += 1
        broker.flushall()
        ids = posting.result()

    assert flushed > 3, "it was flushed while they posted"
    until(lambda: of_run(database, ids)["stored"] == 200, seconds=60, why=lambda: of_run(database, ids))
    mailbox.wait_for(200, seconds=30)
    until(lambda: spooled(running) == 0)
    assert set(received(mailbox).values()) == {1}
    assert of_run(database, ids)["leads"] == 200


def victim(running: Product, which: str) -> int:
    """The worker's main process, or one of those that it forks for the work."""
    main = running.child("worker")
    if which == "main":
        return main
    children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
    return int(children[0])


def age_leases(database: Database) -> None:
    """What waiting a minute and a half would do."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    with database.write() as connection:
        connection.execute(update(sends).where(sends.c.lease_until.is_not(None)).values(lease_until=past))


@pytest.mark.faults
@pytest.mark.parametrize("which", ["main", "pool"])
def test_a_worker_killed_while_sending_comes_back_and_nothing_is_sent_twice(
    running: Product, database: Database, mailbox: SlowSink, which: str
) -> None:
    count, mailbox.room = 120, 15
    fields = [{"email": f"killed{number}.{uuid4().hex[:6]}@example.com"} for number in range(count)]
    before = running.child("worker")
    ids = post_all(running, fields, 4)
    mailbox.wait_for(15, seconds=30)

    os.kill(victim(running, which), signal.SIGKILL)
    mailbox.room = None

    if which == "main":
        until(lambda: (running.state / "run" / "worker.pid").exists() and running.child("worker") != before)
    until(lambda: of_run(database, ids)["stored"] == count)

    def open_sends() -> Counter[str]:
        found: Counter[str] = of_run(database, ids)["acknowledged"]
        return Counter({state: n for state, n in found.items() if state not in {"sent", "unknown"}})

    until(lambda: not (open_sends() - Counter(claimed=count, handed_over=count)), seconds=60, why=open_sends)
    age_leases(database)
    until(lambda: not open_sends(), seconds=60, why=open_sends)

    found = of_run(database, ids)["acknowledged"]
    assert found["sent"] + found["unknown"] == count
    assert found["unknown"] <= 20, "at most what two processes had handed over"
    came = received(mailbox)
    assert set(came.values()) == {1}
    assert found["sent"] <= len(came) <= count
    until(lambda: spooled(running) == 0)
