"""What every use case is given, so that tests and processes can give different things.

Made by `worker.bootstrap` only; nothing here chooses an implementation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from sqlalchemy import Connection

from worker.content.load import load_catalog
from worker.content.render import Renderer
from worker.content.snapshots import unpack
from worker.delivery.alerts import AlertChannel
from worker.delivery.base import Provider
from worker.domain.manners import Manners
from worker.errors import ConfigurationError
from worker.feedback.base import FeedbackSource
from worker.feedback.imap import ImapMailbox
from worker.outgoing import OutgoingSession
from worker.reach import Reach
from worker.storage import contents, installation
from worker.storage.broker import Broker
from worker.storage.database import Database
from worker.storage.leads import Vault
from worker.storage.local_files import LocalFiles
from worker.storage.passwords import Passwords
from worker.storage.sealing import KeyRing
from worker.storage.witness import Witnesses


class Queue(Protocol):
    """Wake-up hints to workers. Losing one costs time, never work; so none of these raises."""

    def capture(self, envelopes: Sequence[str]) -> bool:
        """Put sealed submissions on the intake queue; False where the broker did not take them."""

    def is_capture_waiting(self) -> bool:
        """A group that no worker has taken yet: all of them are busy, so that another message wakes nobody."""

    def deliver(self) -> None:
        """Something is due: send now rather than at the next tick."""

    def alert(self) -> None:
        """A staff alert waits."""

    def tell(self) -> None:
        """Another system is to be told something."""


class SignOfLife(Protocol):
    """A watchman outside."""

    def call(self) -> None:
        """Tell him that all is well. Raises DeliveryError."""


class ActiveContent:
    """The content that is sent: the active snapshot, loaded once per process and hash."""

    def __init__(self) -> None:
        self._renderers: dict[str, Renderer] = {}

    def renderer(self, connection: Connection) -> tuple[str, Renderer]:
        """The active snapshot's hash and its renderer. Raises ConfigurationError before the first publish."""
        return self.named(connection, installation.active_snapshot(connection))

    def named(self, connection: Connection, name: str | None) -> tuple[str, Renderer]:
        """The same, where the active snapshot's hash is known already."""
        if name is None:
            raise ConfigurationError(
                "NRT-E030", "no content is published yet", "run: nurture publish --approved-by NAME"
            )
        return name, self.at(connection, name)

    def at(self, connection: Connection, name: str) -> Renderer:
        """The renderer of any snapshot."""
        if name not in self._renderers:
            self._renderers[name] = Renderer(load_catalog(unpack(contents.packed(connection, name))))
        return self._renderers[name]


@dataclass
class Services:
    """One process's means. `practice` keeps what is written to leads of practice forms on this machine.

    The vault's look-up key comes from the database at first need."""

    database: Database
    ring: KeyRing
    provider: Provider
    practice: Provider
    alerts: AlertChannel
    queue: Queue
    public_url: str
    broker: Broker | None = None
    witnesses: Witnesses | None = None
    feedback: Mapping[str, FeedbackSource] = field(default_factory=dict)
    mailboxes: Sequence[ImapMailbox] = ()
    watchman: SignOfLife | None = None
    epoch_is_guarded: bool = False
    manners: Manners = field(default_factory=Manners)
    files: LocalFiles | None = None
    content: ActiveContent = field(default_factory=ActiveContent)
    passwords: Passwords = field(default_factory=Passwords)
    reach: Reach = field(default_factory=Reach)

    @cached_property
    def vault(self) -> Vault:
        """Seals and finds identities."""
        with self.database.read() as connection:
            return Vault(self.ring, installation.lookup_key(connection, self.ring))

    @cached_property
    def outgoing(self) -> OutgoingSession:
        """Kept connections to the systems that are told what happens."""
        return OutgoingSession(self.reach)

    def provider_for(self, lead: Mapping[str, Any]) -> Provider:
        """Who is given this lead's emails, and can be asked about them: what is a test stays on this machine."""
        return self.practice if lead["is_test"] else self.provider

    def close(self) -> None:
        """Give back connections."""
        if "outgoing" in self.__dict__:
            self.outgoing.close()
        self.provider.close()
        if self.broker is not None:
            self.broker.close()
        self.database.close()
