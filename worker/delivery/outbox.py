"""`outbox:` keeps messages as .eml files on this machine: the default, so that nothing leaves by accident.

A file is named by its send, so handing over the same send again changes nothing, and a look-up is certain.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from worker.delivery.base import Message, Outcome, Receipt
from worker.domain.feedback import MAILBOX_FULL
from worker.errors import AmbiguousDeliveryError, DeliveryError, PermanentDeliveryError, TransientDeliveryError
from worker.faults import fault

SIMULATOR = "simulator.example.com"
"""Addresses of this domain meet what is seldom met, so that it can be practised; mail providers offer the like."""

_SIMULATED: Mapping[str, Callable[[], DeliveryError]] = {
    "bounce": lambda: PermanentDeliveryError("simulated_bounce", address_is_bad=True),
    "full": lambda: PermanentDeliveryError("simulated_full", status=MAILBOX_FULL),
    "busy": lambda: TransientDeliveryError("simulated_busy", is_about_recipient=True),
    "lost": lambda: AmbiguousDeliveryError("simulated_lost"),
}
"""By the part of the address before `@` or `+`. Whether a lost one has arrived, nobody can tell."""


class OutboxProvider:
    """Writes each message to `<folder>/<send id>.eml`."""

    name = account = "outbox"
    key_ttl: timedelta | None = None
    can_look_up = True
    batch_size = 1

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def deliver(self, messages: Sequence[Message]) -> Iterator[tuple[Message, Outcome]]:
        """Write each message whole or not at all."""
        for message in messages:
            yield message, self._write(message)

    def lookup(self, send_id: str) -> Receipt | None:
        """A receipt where the file is there."""
        path = self._folder / f"{send_id}.eml"
        return Receipt(provider=self.name, provider_message_id=path.name) if path.exists() else None

    def close(self) -> None:
        """Nothing is kept open."""

    def _write(self, message: Message) -> Outcome:
        simulated = _simulated(message.recipient)
        if simulated is not None:
            return simulated
        path = self._folder / f"{message.send_id}.eml"
        aside = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            aside.write_bytes(message.content)
            aside.replace(path)
            fault("accepted")
        except OSError:
            return TransientDeliveryError("outbox_not_writable")
        return Receipt(provider=self.name, provider_message_id=path.name)


def _simulated(recipient: str) -> DeliveryError | None:
    name, _, domain = recipient.lower().partition("@")
    refuse = _SIMULATED.get(name.partition("+")[0]) if domain == SIMULATOR else None
    return refuse() if refuse else None
