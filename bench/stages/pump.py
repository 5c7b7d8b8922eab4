"""The pump: from a due row to a message that the mail server took and a row that says so, by two worker processes.

Database, mail server and workers share the machine. Against smtp-source with two kept connections, which has no rows
to read or to mark; the usual Celery task per email; and the queues that Django projects use. With emails as ours are,
and with ones as long as those that the targets were set with.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import create_engine, func, insert, select, text

from bench import naive
from bench.harness import Bench, Report, Sample, Series, Target, Way, WrongCount
from bench.letters import BY_NAME, Letters
from bench.mail import by_smtp_source, finished
from bench.peers import django_peer
from bench.servers import smtp_sink, wait_until
from bench.stages.capture import FIELDS
from bench.tools import Absent
from bench.workers import naive_worker, product_worker, publisher
from tests.support.world import START, World, open_world
from worker.content.snapshots import pack, snapshot_hash
from worker.domain.sends import SendState
from worker.intake.acceptor import GROUP
from worker.queues import QueueName, TaskName
from worker.storage import contents, installation, sends, tables

PROCESSES = 2
_SELDOM_S = 0.05
"""To look whether all are sent costs the database a millisecond, which the pump would lack."""
PUMP, CEILING, USUAL = "the pump, marks for each email", "smtp-source -s2, kept", "a Celery task per email"
PEERS = {"post_office": ("django-post-office 3.12", 200, 6), "mailer": ("django-mailer 2.3", 60, 20)}


def measure(bench: Bench) -> Report:
    report = Report(title=f"The whole way out, PostgreSQL, {PROCESSES} worker processes", unit="messages a second")
    with ExitStack() as stack:
        port = stack.enter_context(smtp_sink(bench, report))
        product, usual = Pump(bench, stack, port), _Usual(bench, stack, port)
        for letters in BY_NAME:
            _compare(bench, report, port, letters, product.sending(letters), usual.sending(letters))
    return report


def _compare(
    bench: Bench, report: Report, port: int, named: str, pump: Callable[[], Sample], usual: Callable[[], Sample]
) -> None:
    letters, many = BY_NAME[named], bench.number(4000, 10)
    ways = [Way(PUMP, pump), Way(USUAL, usual)]
    _add(report, ways, CEILING, lambda: _ceiling(bench, port, many, letters))
    for peer, (name, few, _) in PEERS.items():
        count = bench.number(few, 5)
        _add(report, ways, name, lambda peer=peer, n=count: django_peer(bench, peer, port, n, letters))  # type: ignore[misc]
    found = dict(zip((way.name for way in ways), bench.alternate(ways), strict=True))
    renamed = (replace(series, name=f"{letters.says}: {name}") for name, series in found.items())
    report.series = [*report.series, *renamed]
    report.targets = [*report.targets, *_judge(found, letters)]
    report.notes.append(f"{letters.says}: {len(finished(1, letters)[0].content) / 1024:.1f} KB")


def _add(report: Report, ways: list[Way], name: str, make: Callable[[], Callable[[], Sample]]) -> None:
    try:
        ways.append(Way(name, make()))
    except Absent as absent:
        report.absent.append(f"{name}: {absent}")


def _judge(found: Mapping[str, Series], letters: Letters) -> list[Target]:
    bounds = {CEILING: 0.6, USUAL: 15.0} | {name: float(bound) for name, _, bound in PEERS.values()}
    return [
        Target(says=f"{letters.says}, against {name}", measured=found[PUMP].over(found[name]), at_least=bound)
        for name, bound in bounds.items()
        if name in found
    ]


def _ceiling(bench: Bench, port: int, count: int, letters: Letters) -> Callable[[], Sample]:
    bench.tools.program("smtp-source")
    return lambda: by_smtp_source(bench, port, count, 2, letters)


class Pump:
    """The product and two workers that send for it. The database has its statistics before the first round, as
    autovacuum gives them to whoever has been at work for longer than a minute."""

    def __init__(self, bench: Bench, stack: ExitStack, port: int) -> None:
        url, self._app, self._count = bench.database(), publisher(bench), bench.number(1600, 10)
        self._world = stack.enter_context(open_world(url, bench.new_folder("world")))
        mail_url = f"smtp://127.0.0.1:{port}?tls=none&helo=bench.example.com"
        stack.enter_context(product_worker(bench, url, QueueName.SEND, PROCESSES, mail_url))
        bench.say(f"storing {self._count:,} leads")
        _store_leads(self._world, self._count)
        self._nudge()
        wait_until(lambda: _is_quiet(self._world), "the acknowledgements")
        self._world.execute(text("ANALYZE"))

    def sending(self, letters: str) -> Callable[[], Sample]:
        """A round of these emails."""

        def once() -> Sample:
            _send_from_now_on(self._world, BY_NAME[letters])
            return self.once()

        return once

    def once(self) -> Sample:
        """The calendar jumps to where the next email of everyone is due."""
        world = self._world
        before, due = sent(world), _make_due(world, self._count)
        begun = time.perf_counter()
        self._nudge()
        wait_until(lambda: _is_quiet(world), f"sending {due} emails", every_s=_SELDOM_S)
        took = time.perf_counter() - begun
        if sent(world) != before + due:
            raise WrongCount(f"{sent(world) - before} of {due} emails were sent")
        return Sample(due / took)

    def _nudge(self) -> None:
        for _ in range(PROCESSES):
            self._app.send_task(TaskName.DELIVER, queue=QueueName.SEND, argsrepr="()")


def _send_from_now_on(world: World, letters: Letters) -> None:
    """As publishing does, but for the lint, which would not have emails this long."""
    name = snapshot_hash(letters.files)
    with world.database.write() as connection:
        contents.store(connection, name, pack(letters.files), START, "bench", letters.says)
        installation.activate(connection, name)


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


class _Usual:
    """The usual project, and two workers that send for it."""

    def __init__(self, bench: Bench, stack: ExitStack, port: int) -> None:
        url = bench.database(is_empty=True)
        self._app, self._count = publisher(bench, naive.PREFIX), bench.number(100, 5)
        self._engine = create_engine(url)
        stack.callback(self._engine.dispose)
        naive.Base.metadata.create_all(self._engine)
        self._worker = stack.enter_context(naive_worker(bench, url, PROCESSES, port))
        for letters in BY_NAME:
            self._queue(1, letters)
        wait_until(self._is_done, "the worker's start")

    def sending(self, letters: str) -> Callable[[], Sample]:
        """A round of these emails."""

        def once() -> Sample:
            self._worker.hold()
            self._queue(self._count, letters)
            begun = time.perf_counter()
            self._worker.let_go()
            wait_until(self._is_done, f"sending {self._count} emails")
            return Sample(self._count / (time.perf_counter() - begun))

        return once

    def _queue(self, count: int, letters: str) -> None:
        now = datetime.now(UTC).replace(tzinfo=None)
        lead = {"id": str(uuid4()), "email": "maya@example.com", "fields": FIELDS, "created_at": now}
        email = {"lead_id": lead["id"], "template": letters, "status": "pending", "due_at": now}
        emails = [email | {"id": str(uuid4())} for _ in range(count)]
        with self._engine.begin() as connection:
            connection.execute(insert(naive.Lead).values(lead))
            connection.execute(insert(naive.Email), emails)
        for each in emails:
            self._app.send_task("naive.send", args=[each["id"]])

    def _is_done(self) -> bool:
        with self._engine.connect() as connection:
            return not connection.execute(text("select count(*) from emails where status != 'sent'")).scalar_one()
