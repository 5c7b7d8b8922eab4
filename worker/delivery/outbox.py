"""`outbox:` keeps messages as .eml files on this machine: the default, so that nothing leaves by accident.

A file is named by its send, so handing over the same send again changes nothing, and a look-up is certain.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from worker.delivery.base import Message, Outcome, Receipt
from worker.errors import TransientDeliveryError
from worker.faults import fault


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
        path = self._folder / f"{message.send_id}.eml"
        aside = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            aside.write_bytes(message.content)
            aside.replace(path)
            fault("accepted")
        except OSError:
            return TransientDeliveryError("outbox_not_writable")
        return Receipt(provider=self.name, provider_message_id=path.name)
