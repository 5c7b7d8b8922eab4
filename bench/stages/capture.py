"""Capture: from a message on the queue to a stored, routed, enrolled lead with its acknowledgement and first send.

Against a task per lead that stores three rows through the ORM, in plain text. Both by one worker process, from a
full queue, on the same PostgreSQL.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine

from bench import naive
from bench.harness import Bench, Report, Sample, Target, Way
from bench.servers import wait_until
from bench.workers import HeldWorker, naive_worker, product_worker, publisher
from tests.support.world import World, open_world
from worker.intake.acceptor import GROUP
from worker.queues import QueueName, TaskName

FIELDS: dict[str, Any] = {
    "first_name": "Maya",
    "last_name": "Park",
    "zip": "62901",
    "phone": "618-555-0123",
    "message": "I would like to hear more about your clinic. " * 3,
}


def measure(bench: Bench) -> Report:
    many, few = bench.number(1000, 20), bench.number(300, 5)
    with ExitStack() as stack:
        ours = stack.enter_context(_product(bench))
        theirs = stack.enter_context(_usual(bench))
        series = bench.alternate(
            [
                Way(f"up to {GROUP} leads a message", lambda: ours(many, GROUP)),
                Way("one lead a message", lambda: ours(few, 1)),
                Way("a task per lead, ORM", lambda: theirs(few, 1)),
            ]
        )
    return Report(
        title="Capture, PostgreSQL, one worker process",
        unit="leads a second",
        series=series,
        targets=[
            Target(says="grouped, against a task per lead", measured=series[0].over(series[2]), at_least=10),
            Target(says="single leads, against a task per lead", measured=series[1].over(series[2]), at_least=1.3),
        ],
        notes=["The task per lead seals nothing and keeps no consent, no route and no history."],
    )


Run = Callable[[int, int], Sample]


@contextmanager
def _product(bench: Bench) -> Iterator[Run]:
    url, app, numbers = bench.database(), publisher(bench), count()
    with open_world(url, bench.new_folder("world")) as world, product_worker(bench, url, "intake", 1) as worker:

        def publish(leads: int, group: int) -> None:
            envelopes = [_envelope(world, next(numbers)) for _ in range(leads)]
            for start in range(0, leads, group):
                arguments = [envelopes[start : start + group]]
                app.send_task(TaskName.CAPTURE, args=arguments, queue=QueueName.INTAKE, argsrepr="(sealed)")

        yield _run(worker, publish, world.database.engine, "submissions")


@contextmanager
def _usual(bench: Bench) -> Iterator[Run]:
    url, app, numbers = bench.database(is_empty=True), publisher(bench, naive.PREFIX), count()
    engine = create_engine(url)
    naive.Base.metadata.create_all(engine)
    with naive_worker(bench, url, 1) as worker:

        def publish(leads: int, _: int) -> None:
            for _ in range(leads):
                fields = FIELDS | {"email": f"lead{next(numbers)}@example.com"}
                app.send_task("naive.store", args=[fields])

        yield _run(worker, publish, engine, "leads")
    engine.dispose()


def _run(worker: HeldWorker, publish: Callable[[int, int], None], engine: Engine, table: str) -> Run:
    """One round: the queue is filled while the worker is held, then it runs until all are stored. Statistics are of
    now, as autovacuum keeps them for whoever has been at work for longer than a minute."""

    def stored() -> int:
        with engine.connect() as connection:
            return int(connection.execute(text(f"select count(*) from {table}")).scalar_one())

    def once(leads: int, group: int) -> Sample:
        wanted = stored() + leads
        worker.hold()
        publish(leads, group)
        with engine.begin() as connection:
            connection.execute(text("ANALYZE"))
        begun = time.perf_counter()
        worker.let_go()
        wait_until(lambda: stored() >= wanted, f"storing {leads} leads")
        return Sample(leads / (time.perf_counter() - begun))

    publish(1, 1)
    wait_until(lambda: stored() == 1, "the worker's start")
    return once


def _envelope(world: World, number: int) -> str:
    return world.envelope(world.submission(email=f"lead{number}@example.com", **FIELDS))
