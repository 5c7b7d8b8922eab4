"""Ways of doing one thing, run in turn, round after round; what is compared was measured within the same round."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.tools import Tools
from tests.e2e.product import Product, new_product
from tests.support.databases import PostgresDatabases
from tests.support.postgres import Postgres, running_postgres
from tests.support.smtp import SmtpSink
from tests.support.world import migrate_world
from worker.runtime.valkey import EmbeddedValkey, ensure_valkey, stop_valkey

DURABLE = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "autovacuum": "on",
    "wal_level": "replica",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
}
"""As in production; the tests' cluster has durability switched off."""


DESK = "desk@example.com"
"""Where the product tells staff of a new lead."""


class WrongCount(Exception):
    """A way did not do what it was timed for."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of one way: the figure, and the processor's time for each item where it is known."""

    figure: float
    cpu_us: float | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """One way of doing the work of a stage. `run` does one round."""

    name: str
    run: Callable[[], Sample]


@dataclass(frozen=True, slots=True)
class Series:
    """All rounds of one way."""

    name: str
    samples: tuple[Sample, ...]

    @property
    def median(self) -> float:
        return statistics.median(sample.figure for sample in self.samples)

    @property
    def least(self) -> float:
        return min(sample.figure for sample in self.samples)

    @property
    def most(self) -> float:
        return max(sample.figure for sample in self.samples)

    @property
    def cpu_us(self) -> float | None:
        """The least of the rounds: what disturbs a round only adds to it."""
        return min((sample.cpu_us for sample in self.samples if sample.cpu_us is not None), default=None)

    def over(self, other: Series) -> float:
        """The median of the ratios, each within one round."""
        pairs = zip(self.samples, other.samples, strict=True)
        return statistics.median(ours.figure / theirs.figure for ours, theirs in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a stage should reach, and what it did: at least so much, or at most."""

    says: str
    measured: float
    at_least: float | None = None
    at_most: float | None = None
    unit: str = "x"

    @property
    def is_met(self) -> bool:
        if self.at_least is not None:
            return self.measured >= self.at_least
        return self.at_most is not None and self.measured <= self.at_most


@dataclass(kw_only=True)
class Report:
    """The table of one stage. `absent` says plainly what could not be run, and why."""

    title: str
    unit: str
    series: Sequence[Series] = ()
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Bench:
    """What a stage is given. Servers start at first need and end with the run."""

    rounds: int
    size: float
    tools: Tools
    folder: Path
    say: Callable[[str], None] = lambda _: None
    rows: tuple[int, int] = (100_000, 1_000_000)
    _open: ExitStack = field(default_factory=ExitStack)

    def number(self, usual: int, least: int = 1) -> int:
        """How many items a round has, at this size."""
        return max(least, round(usual * self.size))

    def alternate(self, ways: Sequence[Way]) -> list[Series]:
        """A B C, A B C, …: each way once in every round, after one round that does not count."""
        samples: list[list[Sample]] = [[] for _ in ways]
        for number in range(self.rounds + (self.rounds > 1)):
            for way, taken in zip(ways, samples, strict=True):
                self.say(f"round {number} of {self.rounds}: {way.name}" if number else f"warming up: {way.name}")
                taken.append(way.run())
        return [Series(way.name, tuple(taken[-self.rounds :])) for way, taken in zip(ways, samples, strict=True)]

    @cached_property
    def postgres(self) -> Postgres:
        """A PostgreSQL that writes durably."""
        self.say("starting PostgreSQL")
        return self._open.enter_context(running_postgres(settings=DURABLE))

    @cached_property
    def valkey(self) -> EmbeddedValkey:
        """The embedded broker, as the product starts it."""
        server = ensure_valkey(self.new_folder("broker"))
        self._open.callback(stop_valkey, server)
        return server

    @cached_property
    def databases(self) -> PostgresDatabases:
        """Makes databases there; each is a copy, so the migrations run once."""
        return PostgresDatabases(self.postgres)

    def database(self, *, is_empty: bool = False) -> str:
        """The URL of a new database: the product's with its shipped content, unless it is to be empty."""
        return self.databases.make(None if is_empty else migrate_world)

    @cached_property
    def sink(self) -> SmtpSink:
        """A mail server in this process, which sees when each message arrives."""
        sink = SmtpSink()
        sink.start()
        self._open.callback(sink.stop)
        return sink

    @cached_property
    def product(self) -> Product:
        """The whole product as people start it, on PostgreSQL; its calendar stands still. Staff are told by mail."""
        self.say("starting the product")
        mail_url = f"{self.sink.url}?tls=none&helo=bench.example.com"
        prepared = self._open.enter_context(
            new_product(
                self.new_folder("product") / "state", clock_speed="0", database_url=self.database(is_empty=True),
                mail_url=mail_url, alert_url=f"mailto:{DESK}", send_rate="off",
            )
        )  # fmt: skip
        return prepared.start()

    def new_folder(self, name: str) -> Path:
        """A folder of one's own, gone when the run ends."""
        return Path(self._open.enter_context(TemporaryDirectory(prefix=f"{name}-", dir=self.folder)))

    def close(self) -> None:
        """End every server."""
        self._open.close()


def timed(count: int, work: Callable[[], object]) -> Sample:
    """Items in a second, and this process's own time for each."""
    begun, cpu = time.perf_counter(), time.process_time()
    work()
    seconds, spent = time.perf_counter() - begun, time.process_time() - cpu
    return Sample(count / seconds, 1e6 * spent / count)


def timed_on_cpu(count: int, work: Callable[[], object]) -> Sample:
    """Items in a second of this process's own time: for work that neither waits nor has company."""
    sample = timed(count, work)
    assert sample.cpu_us is not None
    return Sample(1e6 / sample.cpu_us, sample.cpu_us)


def expect(what: str, found: int, wanted: int) -> None:
    """A figure counts only where the work was done. Raises WrongCount."""
    if found != wanted:
        raise WrongCount(f"{what}: {found} instead of {wanted}")
