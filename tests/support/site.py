"""The product's web process in a thread of the test, without workers: what was accepted is captured when asked for."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from tests.support.serving import NO_BROKER, serving
from tests.support.world import World, migrate_world, open_world
from worker.intake.app import create_app
from worker.settings import load_settings
from worker.storage import leads, submissions
from worker.storage.broker import Broker
from worker.storage.database import Database
from worker.usecases.content.publish import publish


@dataclass
class Site:
    """Where it listens, and what lies behind it."""

    url: str
    world: World

    def lead(self, reference: str) -> dict[str, Any]:
        """The lead that a submission made, opened. It is queued after the answer, off the request's thread."""
        return self._wait(lambda connection: leads.by_reference(connection, reference))

    def lead_of(self, email: str) -> dict[str, Any]:
        """The lead of this address, opened, once what was accepted is queued."""
        address = self.world.services.vault.email_hash(email)

        def find(connection: Connection) -> list[str]:
            found = leads.find_person(connection, address, None)
            return [found["id"]] if found else []

        return self._wait(find)

    def suspicions(self, reference: str) -> list[str]:
        """Why a submission waits in quarantine, once it does."""

        def find(connection: Connection) -> list[str]:
            return [
                str(code)
                for row in submissions.quarantined(connection, 50)
                if row["reference"] == reference
                for code in row["suspicions"]
            ]

        return list(self._until(find))

    def _wait(self, find: Callable[[Connection], Sequence[str]]) -> dict[str, Any]:
        (lead_id,) = self._until(find)
        with self.world.database.read() as connection:
            lead = dict(leads.by_ids(connection, [lead_id])[lead_id])
            (row,) = submissions.of_lead(connection, lead_id)
        identity = self.world.services.vault.open_identity(lead)
        stored = submissions.open_stored(row, self.world.services.ring)
        return {**lead, "email": identity.email, "first_name": identity.first_name, "agreed": stored.consent_email}

    def _until(self, find: Callable[[Connection], Sequence[str]]) -> Sequence[str]:
        until = time.monotonic() + 20
        while not (found := self._captured(find)):
            assert time.monotonic() < until, "it was answered, but not queued"
            time.sleep(0.01)
        return found

    def _captured(self, find: Callable[[Connection], Sequence[str]]) -> Sequence[str]:
        self.world.capture(*(envelope for group in self.world.queue.captured for envelope in group))
        with self.world.database.read() as connection:
            return find(connection)


@contextmanager
def open_site(folder: Path, content: Mapping[str, str], **settings: str) -> Iterator[Site]:
    """A site with this content published."""
    url = f"sqlite:///{folder / 'lead.db'}"
    migrate_world(url)
    with contextlib.closing(Database(url)) as database:
        publish(database, content, "Jordan Example")
    with open_world(url, folder) as world, serve(world, 0, **settings) as address:
        yield Site(address, world)


@contextmanager
def serve(world: World, port: int, **more: str) -> Iterator[str]:
    """The web process of a world at a port of this machine, any free one for 0; its address."""
    settings = load_settings({}, state_dir=world.folder, rate_limit="off", **more)
    with (
        contextlib.closing(Broker(NO_BROKER)) as broker,
        serving(create_app(world.services, settings, broker), port) as address,
    ):
        yield address
