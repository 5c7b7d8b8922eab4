"""A small world for tests of use cases: a real database with the shipped content, a frozen clock, a real outbox.

The product clock is pinned to `START` and moves only when a test moves it; real time (leases, back-off) runs on.
"""

from __future__ import annotations

import email
import email.policy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from sqlalchemy import Executable, Table, select, update

from worker.content.catalog import Catalog, read_content_files
from worker.content.render import Renderer
from worker.delivery.alerts import AlertChannel, FileAlerts
from worker.delivery.base import Message, Outcome, Provider, Receipt
from worker.delivery.outbox import OutboxProvider
from worker.domain.clock import ProductClock
from worker.domain.forms import TokenCheck
from worker.domain.submissions import Submission
from worker.settings import TEMPLATES
from worker.storage import installation, migrate, sends, submissions, suppressions, tables, timeline
from worker.storage.database import Database, real_now
from worker.storage.local_files import LocalFiles
from worker.storage.sealing import KeyRing
from worker.usecases.arrival.capture import Captured, capture
from worker.usecases.arrival.understand import understand
from worker.usecases.clock import jump_clock
from worker.usecases.health.deliver_alerts import deliver_alerts
from worker.usecases.prepare import prepare
from worker.usecases.sending.deliver import deliver_due
from worker.usecases.services import ActiveContent, Services
from worker.usecases.sweep import sweep

START = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""A Monday morning in winter time: 10:00 in Carbondale, 11:00 in Albany."""

RING = KeyRing({"test1": bytes(range(32))})
PUBLIC_URL = "https://mail.albanyclinic.example.com"
SHIPPED: Mapping[str, str] = read_content_files(TEMPLATES)

MAYA: Mapping[str, str] = {
    "email": "maya@example.com",
    "first_name": "Maya",
    "location": "carbondale",
    "condition": "depression",
    "consent_email": "yes",
}
"""What `post` sends unless told otherwise."""

_CONTENT = ActiveContent()  # compiled once for a run: snapshots are named by their content


def migrate_world(url: str) -> None:
    """The database that every world is a copy of."""
    database = Database(url)
    migrate.upgrade(database)
    with database.write() as connection:
        installation.create(connection, RING, 0.0)
        installation.set_clock(
            connection, ProductClock(speed=0.0, real_anchor=real_now(connection), product_anchor=START)
        )
    prepare(database, RING, 0.0, SHIPPED)
    database.close()


@dataclass
class RecordingQueue:
    """A queue that nobody consumes: it keeps the hints that it was given.

    `takes`: whether the broker answers; `waits`: whether a message lies there that no worker has taken.
    """

    takes: bool = True
    waits: bool = False
    captured: list[list[str]] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)

    def capture(self, envelopes: Sequence[str]) -> bool:
        self.hints.append("capture")
        if self.takes:
            self.captured.append(list(envelopes))
        return self.takes

    def is_capture_waiting(self) -> bool:
        return self.waits

    def deliver(self) -> None:
        self.hints.append("deliver")

    def alert(self) -> None:
        self.hints.append("alert")

    def tell(self) -> None:
        self.hints.append("tell")


@dataclass
class ScriptedProvider:
    """A provider that answers what the test says: `answer` gets each message as it is handed over."""

    answer: Callable[[Message], Outcome] = lambda _: Receipt(provider="scripted")
    known: dict[str, Receipt] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    name: str = "scripted"
    account: str = "scripted"
    key_ttl: timedelta | None = None
    can_look_up: bool = True
    batch_size: int = 1

    def deliver(self, messages: Sequence[Message]) -> Iterator[tuple[Message, Outcome]]:
        for message in messages:
            self.messages.append(message)
            yield message, self.answer(message)

    def lookup(self, send_id: str) -> Receipt | None:
        return self.known.get(send_id)

    def close(self) -> None:
        """Nothing is kept open."""


@dataclass
class World:
    """One product without processes. Helpers read in plain rows, so that tests see what the database holds."""

    services: Services
    queue: RecordingQueue
    folder: Path

    @property
    def database(self) -> Database:
        return self.services.database

    @property
    def renderer(self) -> Renderer:
        with self.database.read() as connection:
            return self.services.content.renderer(connection)[1]

    @property
    def catalog(self) -> Catalog:
        return self.renderer.catalog

    # --- the way in ---

    def submission(
        self, *, key: str | None = None, token: TokenCheck | None = None, **fields: str | Sequence[str] | None
    ) -> Submission:
        """What intake understands of a post; a field that is None is left out."""
        posted: dict[str, Any] = {**MAYA, **fields}
        texts = {
            name: (value,) if isinstance(value, str) else tuple(value)
            for name, value in posted.items()
            if value is not None
        }
        return understand(texts, self.catalog, datetime.now(UTC), key, token or TokenCheck())

    def envelope(self, submission: Submission) -> str:
        return submissions.envelope(submission, self.services.ring)

    def capture(self, *envelopes: str) -> Captured:
        return capture(self.services, envelopes)

    def post(self, **fields: Any) -> Submission:
        """Understand, seal and capture one post."""
        submission = self.submission(**fields)
        self.capture(self.envelope(submission))
        return submission

    def lead_from(self, **fields: Any) -> str:
        """The id of the lead that a post makes or finds."""
        lead_id: str = self.stored(self.post(**fields))["lead_id"]
        assert lead_id is not None
        return lead_id

    # --- the way out ---

    def deliver(self) -> Counter[str]:
        return deliver_due(self.services)

    def sweep(self) -> Counter[str]:
        return sweep(self.services)

    def tell_staff(self) -> Counter[str]:
        return deliver_alerts(self.services)

    @property
    def mail(self) -> list[EmailMessage]:
        """Everything in the outbox, by time of arrival."""
        files = sorted((self.folder / "outbox").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
        return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in files]

    @property
    def alert_files(self) -> list[str]:
        return [path.read_text(encoding="utf-8") for path in sorted((self.folder / "alerts").glob("*.txt"))]

    # --- time ---

    @property
    def now(self) -> datetime:
        with self.database.read() as connection:
            return installation.product_now(connection)

    def jump(self, to: datetime | timedelta) -> datetime:
        """Let the product clock show `to`."""
        target = self.now + to if isinstance(to, timedelta) else to
        jump_clock(self.database, target)
        return target

    def jump_to_next_due(self) -> datetime | None:
        """Go to the instant when the next planned send is due; None where nothing is planned."""
        with self.database.read() as connection:
            due = sends.next_due(connection)
        if due is not None:
            jump_clock(self.database, due)
        return due

    def run(self, steps: int = 60) -> None:
        """Jump and send until nothing is planned any more."""
        for _ in range(steps):
            if self.jump_to_next_due() is None:
                return
            self.deliver()
        raise AssertionError(f"something is still planned after {steps} steps")

    def let_retries_come_due(self) -> None:
        """Real time that tests don't wait for: whatever backs off may be tried now."""
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        self.execute(update(tables.sends).values(not_before=long_ago))
        self.execute(
            update(tables.alerts).where(tables.alerts.c.state.in_(["pending", "paging"])).values(not_before=long_ago)
        )

    def let_leases_lapse(self) -> None:
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        self.execute(update(tables.sends).where(tables.sends.c.lease_until.is_not(None)).values(lease_until=long_ago))

    # --- what is stored ---

    def execute(self, statement: Executable) -> None:
        """Change rows behind the product's back."""
        with self.database.write() as connection:
            connection.execute(statement)

    def rows(self, table: Table) -> list[Mapping[str, Any]]:
        with self.database.read() as connection:
            return [dict(row._mapping) for row in connection.execute(select(table))]

    def count(self, table: Table) -> int:
        return len(self.rows(table))

    def stored(self, submission: Submission) -> Mapping[str, Any]:
        with self.database.read() as connection:
            row = submissions.by_id(connection, submission.id)
        assert row is not None, "the submission is not stored"
        return row

    def lead(self, lead_id: str) -> Mapping[str, Any]:
        (found,) = [row for row in self.rows(tables.leads) if row["id"] == lead_id]
        return found

    def sends(self, lead_id: str | None = None) -> list[Mapping[str, Any]]:
        """Sends in the order of their due times, the acknowledgement first."""
        rows = [row for row in self.rows(tables.sends) if lead_id in {None, row["lead_id"]}]
        return sorted(rows, key=lambda row: (row["due_at"], row["kind"]))

    def send(self, email_id: str, lead_id: str | None = None) -> Mapping[str, Any]:
        """The one send of this email."""
        (found,) = [row for row in self.sends(lead_id) if row["email"] == email_id]
        return found

    def story(self, lead_id: str, kind: str | None = None) -> list[Mapping[str, Any]]:
        """A lead's timeline, or its entries of one kind."""
        with self.database.read() as connection:
            entries = timeline.of_lead(connection, lead_id)
        return [entry for entry in entries if kind in {None, entry["kind"]}]


@contextmanager
def open_world(
    url: str, folder: Path, *, provider: Provider | None = None, alerts: AlertChannel | None = None
) -> Iterator[World]:
    """A world on a database that `migrate_world` made; several on one database are several processes."""
    queue = RecordingQueue()
    services = Services(
        database=Database(url, pool_size=10),
        ring=RING,
        provider=provider or OutboxProvider(folder / "outbox"),
        practice=OutboxProvider(folder / "outbox"),
        alerts=alerts or FileAlerts(folder / "alerts"),
        queue=queue,
        public_url=PUBLIC_URL,
        content=_CONTENT,
        files=LocalFiles(folder, folder / "spool"),
    )
    try:
        yield World(services=services, queue=queue, folder=folder)
    finally:
        services.close()


def acknowledged(world: World, **fields: Any) -> tuple[str, str]:
    """A lead whose acknowledgement was sent: the ids of both."""
    lead_id = world.lead_from(**fields)
    world.deliver()
    return lead_id, world.send("acknowledgement", lead_id)["id"]


def scopes(world: World, address: str = "maya@example.com") -> set[str]:
    hashed = world.services.vault.email_hash(address)
    assert hashed
    with world.database.read() as connection:
        return set(suppressions.scopes(connection, [hashed]).get(hashed, ()))


def alerts_of(world: World, kind: str) -> int:
    return sum(row["kind"] == kind for row in world.rows(tables.alerts))
