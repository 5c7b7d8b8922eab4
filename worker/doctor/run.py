"""Look at everything at once, and wait for nothing longer than its bound."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import structlog

from worker.doctor.catalogue import DNS
from worker.doctor.finding import Check, Finding
from worker.doctor.lookup import DnsSilent

log = structlog.get_logger()

BOUND_S = 5.0


@dataclass(frozen=True, slots=True)
class Look:
    """One look: what is told when it does not end in time, and the looking."""

    check: Check
    about: str
    find: Callable[[], Iterable[Finding]]
    bound_s: float = BOUND_S


def examine(looks: Sequence[Look], tell: Callable[[int, int], None] = lambda _done, _all: None) -> list[Finding]:
    """All findings, in the order of the looks. `tell` hears how many looks are done."""
    ends = [queue.SimpleQueue[list[Finding]]() for _ in looks]
    began = time.monotonic()
    for look, end in zip(looks, ends, strict=True):
        # Daemons: what hangs in a system call must not keep the command from ending.
        threading.Thread(target=lambda look=look, end=end: end.put(list(_found(look))), daemon=True).start()
    found: list[Finding] = []
    for number, (look, end) in enumerate(zip(looks, ends, strict=True), start=1):
        try:
            found += end.get(timeout=max(0.0, began + look.bound_s - time.monotonic()))
        except queue.Empty:
            found.append(look.check.failed(f"{look.about}: no answer within {look.bound_s:.0f} s"))
        tell(number, len(looks))
    return found


def _found(look: Look) -> Iterator[Finding]:
    try:
        yield from look.find()
    except DnsSilent as error:
        yield DNS.failed(f"{look.about}: no name server answers ({error})")
    except Exception as error:  # a look that breaks is itself a finding, and the others go on
        log.warning("doctor.broke", check=look.check.id, error=type(error).__name__)
        yield look.check.failed(f"{look.about}: could not be looked at ({type(error).__name__})")
