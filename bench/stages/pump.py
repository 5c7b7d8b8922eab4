"""The pump: from a due row to a message that the mail server took and a row that says so, by two worker processes.

Database, mail server and workers share the machine. Against smtp-source with two kept connections, which has no rows
to read or to mark; the usual Celery task per email; and the queues that Django projects use.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import create_engine, func, insert, select, text

from bench import naive
from bench.harness import Bench, Report, Sample, Series, Target, Way, WrongCount
from bench.mail import by_smtp_source
from bench.peers import django_peer
from bench.servers import smtp_sink, wait_until
from bench.stages.capture import FIELDS
from bench.tools import Absent
from bench.workers import naive_worker, product_worker, publisher
from tests.support.world import World, open_world
from worker.domain.sends import SendState
from worker.intake.acceptor import GROUP
from worker.queues import QueueName, TaskName
from worker.storage import installation, sends, tables

PROCESSES = 2
_SELDOM_S = 0.05
"""To look whether all are sent costs the database a millisecond, which the pump would lack."""
PUMP, CEILING, USUAL = "the pump, marks for each email", "smtp-source -s2, kept", "a Celery task per email"
PEERS = {"post_office": ("django-post-office 3.12", 200, 6), "mailer": ("django-mailer 2.3", 60, 20)}


def measure(bench: Bench) -> Report:
    report = Report(title=f"The whole way out, PostgreSQL, {PROCESSES} worker processes", unit="messages a second")
    with ExitStack() as stack:
        port = stack.enter_context(smtp_sink(bench, report))
        ways = [Way(PUMP, _pump(bench, stack, port)), Way(USUAL, _usual(bench, stack, port))]
        many = bench.number(4000, 10)
        _add(report, ways, CEILING, lambda: _ceiling(bench, port, many))
        for peer, (name, usual, _) in PEERS.items():
            _add(report, ways, name, lambda peer=peer, n=usual: django_peer(bench, peer, port, bench.number(n, 5)))  # type: ignore[misc]
        report.series = bench.alternate(ways)
    _judge(report)
    return report


def _add(report: Report, ways: list[Way], name: str, make: Callable[[], Callable[[], Sample]]) -> None:
    try:
        ways.append(Way(name, make()))
    except Absent as absent:
        report.absent.append(f"{name}: {absent}")


def _judge(report: Report) -> None:
    found: dict[str, Series] = {series.name: series for series in report.series}
    bounds = {CEILING: 0.6, USUAL: 15.0} | {name: float(bound) for name, _, bound in PEERS.values()}
    report.targets = [
        Target(says=f"against {name}", measured=found[PUMP].over(found[name]), at_least=bound)
        for name, bound in bounds.items()
        if name in found
    ]


def _ceiling(bench: Bench, port: int, count: int) -> Callable[[], Sample]:
    bench.tools.program("smtp-source")
    return lambda: by_smtp_source(bench, port, count, 2)


def _pump(bench: Bench, stack: ExitStack, port: int) -> Callable[[], Sample]:
    """Each round, the calendar jumps to where the next email of everyone is due. The database has its statistics before
    the first, as autovacuum gives them to whoever has been at work for longer than a minute."""
    url, app, count = bench.database(), publisher(bench), bench.number(1600, 10)
    world = stack.enter_context(open_world(url, bench.new_folder("world")))
    mail_url = f"smtp://127.0.0.1:{port}?tls=none&helo=bench.example.com"
    stack.enter_context(product_worker(bench, url, QueueName.SEND, PROCESSES, mail_url))
    bench.say(f"storing {count:,} leads")
    _store_leads(world, count)

    def nudge() -> None:
        for _ in range(PROCESSES):
            app.send_task(TaskName.DELIVER, queue=QueueName.SEND, argsrepr="()")

    def once() -> Sample:
        before, due = sent(world), _make_due(world, count)
        begun = time.perf_counter()
        nudge()
        wait_until(lambda: _is_quiet(world), f"sending {due} emails", every_s=_SELDOM_S)
        took = time.perf_counter() - begun
        if sent(world) != before + due:
            raise WrongCount(f"{sent(world) - before} of {due} emails were sent")
        return Sample(due / took)

    nudge()
    wait_until(lambda: _is_quiet(world), "the acknowledgements")
    world.execute(text("ANALYZE"))
    return once


def _store_leads(world: World, count: int) -> None:
    names = [f"{uuid4().hex}@example.com" for _ in range(count)]
    envelopes = [world.envelope(world.submission(email=name, **FIELDS)) for name in names]
    for start in range(0, count, GROUP):
        world.capture(*envelopes[start : start + GROUP])


def _is_quiet(world: World) -> bool:
    """True when nothing is due or on its way: an index tells it, however many were sent."""
    with world.database.read() as connection:
        return sends.is_quiet(connection, installation.product_now(connection))


def sent(world: World) -> int:
    """How many sends are marked."""
    with world.database.read() as connection:
        query = select(func.count()).where(tables.sends.c.state == SendState.SENT)
        return int(connection.execute(query).scalar_one())


def _make_due(world: World, count: int) -> int:
    """Jump to the last of what is planned; new people come in once the sequences are at their end."""
    planned = tables.sends.c.state == SendState.PLANNED
    with world.database.read() as connection:
        due, last = connection.execute(select(func.count(), func.max(tables.sends.c.due_at)).where(planned)).one()
    if due < count:
        _store_leads(world, count)
        return count
    world.jump(last)
    return int(due)


def _usual(bench: Bench, stack: ExitStack, port: int) -> Callable[[], Sample]:
    url, app, count = bench.database(is_empty=True), publisher(bench, naive.PREFIX), bench.number(100, 5)
    engine = create_engine(url)
    stack.callback(engine.dispose)
    naive.Base.metadata.create_all(engine)
    worker = stack.enter_context(naive_worker(bench, url, PROCESSES, port))

    def queue(count: int) -> None:
        now = datetime.now(UTC).replace(tzinfo=None)
        lead = {"id": str(uuid4()), "email": "maya@example.com", "fields": FIELDS, "created_at": now}
        email = {"lead_id": lead["id"], "template": "first", "status": "pending", "due_at": now}
        emails = [email | {"id": str(uuid4())} for _ in range(count)]
        with engine.begin() as connection:
            connection.execute(insert(naive.Lead).values(lead))
            connection.execute(insert(naive.Email), emails)
        for each in emails:
            app.send_task("naive.send", args=[each["id"]])

    def is_done() -> bool:
        with engine.connect() as connection:
            return not connection.execute(text("select count(*) from emails where status != 'sent'")).scalar_one()

    def once() -> Sample:
        worker.hold()
        queue(count)
        begun = time.perf_counter()
        worker.let_go()
        wait_until(is_done, f"sending {count} emails")
        return Sample(count / (time.perf_counter() - begun))

    queue(1)
    wait_until(is_done, "the worker's start")
    return once
