"""How many Celery messages the work takes: each one costs about as much as sending several emails.

Counted at the broker, while many people post at once, and then while the next email of all of them goes out.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import redis
import requests
from sqlalchemy import func, select

from bench.harness import Bench, Report, Sample, Series, Target
from bench.servers import wait_until
from worker.domain.sends import SendState
from worker.settings import load_settings
from worker.storage.database import Database
from worker.storage.tables import sends
from worker.usecases.clock import jump_clock

AT_ONCE = 64


def measure(bench: Bench) -> Report:
    people = bench.number(600, 10)
    database = bench.product.database()
    with redis.Redis.from_url(load_settings(bench.product.environment).broker) as broker:
        by_lead, by_email = [], []
        for number in range(1, max(1, bench.rounds // 2) + 1):
            bench.say(f"round {number}: {people} people post, {AT_ONCE} at once")
            by_lead.append(Sample(_of_leads(bench, broker, database, people) / people))
            bench.say(f"round {number}: their next email")
            count, emails = _of_emails(broker, database)
            by_email.append(Sample(count / emails))
    series = [
        Series("for each lead, stored and acknowledged", tuple(by_lead)),
        Series("for each email", tuple(by_email)),
    ]
    return Report(
        title=f"Celery messages, {AT_ONCE} people posting at once",
        unit="messages",
        series=series,
        targets=[
            Target(says="for each lead", measured=series[0].median, at_most=0.15, unit="messages"),
            Target(says="for each email", measured=series[1].median, at_most=0.02, unit="messages"),
        ],
        notes=["Ticks of beat that fell into the time are counted."],
    )


def _of_leads(bench: Bench, broker: redis.Redis, database: Database, people: int) -> int:
    def post(session: requests.Session, count: int) -> None:
        for _ in range(count):
            fields = {"email": f"{uuid4().hex}@example.com", "first_name": "Maya", "location": "carbondale"}
            fields |= {"condition": "depression", "consent_email": "yes"}
            session.post(f"{bench.product.url}/v1/submissions", json=fields, timeout=30).raise_for_status()

    wanted, before = _sent(database) + people, _pushed(broker)
    shares = [people // AT_ONCE + (number < people % AT_ONCE) for number in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(post, requests.Session(), share) for share in shares]:
            done.result()
    wait_until(lambda: _sent(database) >= wanted, "storing and acknowledging")
    return _pushed(broker) - before


def _of_emails(broker: redis.Redis, database: Database) -> tuple[int, int]:
    """Messages and emails while everyone's next one goes out, which beat finds due."""
    planned = sends.c.state == SendState.PLANNED
    with database.read() as connection:
        emails, last = connection.execute(select(func.count(), func.max(sends.c.due_at)).where(planned)).one()
    wanted, before = _sent(database) + emails, _pushed(broker)
    jump_clock(database, last)
    wait_until(lambda: _sent(database) >= wanted, f"sending {emails} emails")
    return _pushed(broker) - before, emails


def _sent(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(select(func.count()).where(sends.c.state == SendState.SENT)).scalar_one())


def _pushed(broker: redis.Redis) -> int:
    """How often something was put on a queue."""
    return int(broker.info("commandstats").get("cmdstat_lpush", {}).get("calls", 0))
