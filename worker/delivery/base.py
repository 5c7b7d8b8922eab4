"""What every delivery adapter takes and gives.

An adapter never raises for a message: it yields, for each, a receipt or a classified error. Only an error
that is certain may be repeated; whatever is doubtful is `AmbiguousDeliveryError` (I2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from worker.delivery.fields import Fields, fields_of
from worker.errors import DeliveryError


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One finished message. `send_id` is the idempotency key where a provider honours one."""

    send_id: str
    envelope_from: str
    recipient: str
    content: bytes
    parts: Callable[[], Fields] | None = field(default=None, repr=False, compare=False)
    """What `content` says, from whoever composed it: taking it apart again is forty times the work."""

    @property
    def fields(self) -> Fields:
        """For providers that want its fields instead of its bytes."""
        return fields_of(self.content) if self.parts is None else self.parts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The provider has taken the message."""

    provider: str
    provider_message_id: str | None = None


Outcome = Receipt | DeliveryError


class Provider(Protocol):
    """A delivery adapter. Made per process; keeps its connection between batches."""

    @property
    def name(self) -> str:
        """The provider, as its URL's scheme spells it."""

    @property
    def account(self) -> str:
        """The provider and which account there: what was handed to one account is not known at another."""

    @property
    def key_ttl(self) -> timedelta | None:
        """How long it honours `Message.send_id` as an idempotency key, at the least; None where not at all."""

    @property
    def batch_size(self) -> int:
        """How many messages it takes at once. Whoever hands over more can stop only between batches."""

    @property
    def can_look_up(self) -> bool:
        """True where `lookup` may find something."""

    def deliver(self, messages: Sequence[Message]) -> Iterator[tuple[Message, Outcome]]:
        """Hand over each message, yielding its outcome as soon as it is known.

        Lazy: a batch is offered to the provider only when the first of its outcomes is asked for, so
        whoever stops asking between two batches knows that the rest was not sent.
        """

    def lookup(self, send_id: str) -> Receipt | None:
        """What the provider knows of a send with an unknown outcome; None where it can't tell."""

    def close(self) -> None:
        """Give back the connection."""
