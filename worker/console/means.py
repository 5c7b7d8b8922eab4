"""What the console is given at start: services, and the few settings that its pages depend on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from worker.client_address import ClientAddress
from worker.console.studio.inside import open_studio
from worker.console.studio.routes import StudioPages
from worker.doctor.finding import Finding
from worker.storage.broker import Broker
from worker.storage.spool import Spool
from worker.usecases.drafting.desk import DraftDesk
from worker.usecases.services import Services

_WRONG_TRIES = parse("20/15 minutes")
"""Wrong sign-ins from one client, whatever the names. In memory: accounts keep their own count in the database."""


@dataclass
class Means:
    """`needs_codes`: every account must have one-time codes, as in production."""

    services: Services
    broker: Broker
    spool: Spool
    clients: ClientAddress
    is_https: bool
    needs_codes: bool
    desk: DraftDesk
    examine: Callable[[], Sequence[Finding]]
    """The doctor's round."""
    _tries: MovingWindowRateLimiter = field(default_factory=lambda: MovingWindowRateLimiter(MemoryStorage()))

    @cached_property
    def studio(self) -> StudioPages:
        """The studio over the desk's draft."""
        return open_studio(self.services, self.desk)

    def may_try(self, client: str) -> bool:
        """False when too many wrong sign-ins came from this client lately."""
        return self._tries.test(_WRONG_TRIES, client)

    def note_wrong_try(self, client: str) -> None:
        """Count one."""
        self._tries.hit(_WRONG_TRIES, client)
