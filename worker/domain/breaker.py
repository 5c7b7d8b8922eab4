"""The circuit breaker: a provider that fails every time is left alone for a while, and then asked by one email.

While it is open nothing is claimed, so an outage costs nobody an attempt. Trouble of one person's mailbox never
opens it. A provider that refuses *us* stops all sending until a person has mended that and resumes: `Act.STOP`.

    closed ──3 groups in a row fail──▶ open ──time is up, one is claimed──▶ half_open
       ▲  ╲                             ▲                                      │
       │   ╲──3 in a row refuse us──▶ stop (a pause)                    fails  │  works
       │                                ╰──────────────────────────────────────┤
       ╰───────────────────────────────────────────────────────────────────────╯

Real time. One row in the database, so that every worker sees the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

OPENS_AFTER = 3
"""Groups of sends in a row: one bad minute of a provider is not an outage."""

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
LONGEST_ASKED = timedelta(hours=1)
"""More than this no provider may ask of us without our trying again."""

PROBE_LASTS = timedelta(minutes=3)
"""How long a probe may take before another is sent: longer than a claim's and a hand-over's lease together."""


class State(StrEnum):
    """Whether sends go through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Signal(StrEnum):
    """What a group of sends has told about the provider."""

    WORKS = "works"
    FAILS = "fails"
    REFUSES_US = "refuses_us"


class Act(StrEnum):
    """What staff are told of."""

    OPENED = "opened"
    CLOSED = "closed"
    STOP = "stop"


class Passage(StrEnum):
    """What may be claimed now."""

    ALL = "all"
    PROBE = "probe"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """One provider's breaker. `since`: when it opened. `retry_at`: when a probe may go, or the next one."""

    state: State = State.CLOSED
    failures: int = 0
    probes: int = 0
    since: datetime | None = None
    retry_at: datetime | None = None
    code: str | None = None

    @property
    def is_pristine(self) -> bool:
        """True when there is nothing to remember."""
        return self == Breaker()


def passage(breaker: Breaker, now: datetime) -> Passage:
    """What may be claimed now."""
    if breaker.state is State.CLOSED:
        return Passage.ALL
    return Passage.PROBE if breaker.retry_at is None or now >= breaker.retry_at else Passage.NOTHING


def probing(breaker: Breaker, now: datetime) -> Breaker:
    """One send was claimed as a probe; nobody else probes meanwhile."""
    return replace(breaker, state=State.HALF_OPEN, retry_at=now + PROBE_LASTS)


def unprobed(breaker: Breaker, now: datetime) -> Breaker:
    """The claimed send turned out not to go: the next one may be the probe."""
    return replace(breaker, state=State.OPEN, retry_at=now) if breaker.state is State.HALF_OPEN else breaker


def after(
    breaker: Breaker, signal: Signal, now: datetime, *, is_probe: bool, code: str | None = None,
    retry_after: timedelta | None = None,
) -> tuple[Breaker, Act | None]:  # fmt: skip
    """The breaker after a group, and what to tell. What comes late, from before it opened, changes nothing."""
    if breaker.state is State.CLOSED:
        return _after_group(breaker, signal, now, code, retry_after)
    if not is_probe:
        return breaker, None
    match signal:
        case Signal.WORKS:
            return Breaker(), Act.CLOSED
        case Signal.REFUSES_US:
            return Breaker(), Act.STOP
    probes = breaker.probes + 1
    retry_at = now + _wait(probes, retry_after)
    return replace(breaker, state=State.OPEN, probes=probes, retry_at=retry_at, code=code), None


def _after_group(
    breaker: Breaker, signal: Signal, now: datetime, code: str | None, retry_after: timedelta | None
) -> tuple[Breaker, Act | None]:
    if signal is Signal.WORKS:
        return Breaker(), None
    failures = breaker.failures + 1
    if failures < OPENS_AFTER:
        return Breaker(failures=failures, code=code), None
    if signal is Signal.REFUSES_US:
        return Breaker(), Act.STOP
    retry_at = now + _wait(0, retry_after)
    return Breaker(state=State.OPEN, failures=failures, since=now, retry_at=retry_at, code=code), Act.OPENED


def _wait(probes: int, asked: timedelta | None) -> timedelta:
    """Twice as long after each probe that failed, or as long as the provider asks."""
    ours: timedelta = min(FIRST_WAIT * 2 ** min(probes, 16), LONGEST_WAIT)
    return max(ours, min(asked or ours, LONGEST_ASKED))
