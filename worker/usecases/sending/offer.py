"""Offer what passed the gate to the provider, and record each outcome as it comes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

from worker.delivery.base import Message, Outcome
from worker.errors import TransientDeliveryError
from worker.faults import fault
from worker.usecases.services import Services

PATIENCE_S = 60.0
"""How long a group may take with the provider, well within the task's time limit."""

_SOON = timedelta(seconds=5)

Record = Callable[[Services, Mapping[str, Any], Outcome], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A send and its finished message. One of a practice form's lead is a test: it never leaves this machine."""

    send: Mapping[str, Any]
    message: Message
    is_test: bool


def offer(services: Services, group: Sequence[Ready], record: Record) -> Counter[str]:
    """Hand over a group that passed the gate; what became of each, by state. Out of time, the rest was not sent."""
    fault("handed_over")
    counts: Counter[str] = Counter()
    waiting = {item.send["id"]: item.send for item in group}
    until = time.monotonic() + PATIENCE_S
    for batch in _batches(services, group):
        for message, outcome in batch:
            counts[record(services, waiting.pop(message.send_id), outcome)] += 1
        if time.monotonic() >= until:
            break
    for send in waiting.values():
        counts[record(services, send, TransientDeliveryError("provider_slow", _SOON))] += 1
    return counts


def _batches(services: Services, group: Sequence[Ready]) -> Iterator[list[tuple[Message, Outcome]]]:
    """Outcomes as they come, by the batches that a provider takes; what is a test goes to the practice outbox."""
    for provider, is_test in ((services.practice, True), (services.provider, False)):
        messages = [item.message for item in group if item.is_test is is_test]
        outcomes = provider.deliver(messages) if messages else iter(())
        while batch := list(islice(outcomes, provider.batch_size)):
            yield batch
