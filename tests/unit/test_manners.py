"""Rates, warm-up and the circuit breaker: the rules alone, against a plain account of what was sent."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain import breaker as circuit
from worker.domain.breaker import Act, Breaker, Passage, Signal, State, passage, probing, unprobed
from worker.domain.mailboxes import Mailbox, mailbox_of
from worker.domain.manners import AtGate, Manners, Turn, Usage, WarmUp, turns, used
from worker.domain.rates import Level, Rate, level_now, poured, room, wait_for_room
from worker.domain.sends import SendKind
from worker.send_rates import read_manners

T = datetime(2026, 12, 1, 15, tzinfo=UTC)
DAY = T.date()
RATES = st.builds(Rate, count=st.integers(1, 60), seconds=st.sampled_from([1, 2, 10, 60]))


# --- rates ----------------------------------------------------------------------------------------------------


@given(rate=RATES, gaps=st.lists(st.floats(0, 5), max_size=60))
def test_no_stretch_of_time_ever_sees_more_than_its_share(rate: Rate, gaps: list[float]) -> None:
    level: Level | None = None
    now, went = T, []
    for gap in gaps:
        now += timedelta(seconds=gap)
        free = room(level, rate, now)
        level = poured(level, rate, now, free)
        went += [now] * free

    for start, first in enumerate(went):
        for end in range(start, len(went)):
            stretch = (went[end] - first).total_seconds()
            assert end - start + 1 <= rate.burst + stretch * rate.per_second + 0.01


@given(rate=RATES, poured_in=st.integers(0, 60), wanted=st.integers(1, 60))
def test_after_the_wait_there_is_room_and_not_much_before(rate: Rate, poured_in: int, wanted: int) -> None:
    level = poured(None, rate, T, poured_in)
    wait = wait_for_room(level, rate, T, wanted)

    assert room(level, rate, T + wait + timedelta(milliseconds=1)) >= min(wanted, rate.burst)
    if wait > timedelta(milliseconds=10):
        assert room(level, rate, T + wait - timedelta(milliseconds=10)) < min(wanted, rate.burst)


def test_a_clock_that_went_back_leaks_nothing_twice() -> None:
    rate = Rate(count=10, seconds=1)
    level = poured(None, rate, T, 10)
    earlier = poured(level, rate, T - timedelta(hours=1), 0)

    assert level_now(earlier, rate, T) == 10


# --- whom it goes to ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "mailbox"),
    [
        ("gmail.com", Mailbox.GMAIL),
        ("GoogleMail.com", Mailbox.GMAIL),
        ("aol.com", Mailbox.YAHOO),
        ("hotmail.com", Mailbox.MICROSOFT),
        ("me.com", Mailbox.APPLE),
        ("example.com", Mailbox.OTHER),
        ("notgmail.com", Mailbox.OTHER),
        ("gmail.com.example.com", Mailbox.OTHER),
    ],
)
def test_an_address_is_of_one_of_five_kinds(domain: str, mailbox: Mailbox) -> None:
    assert mailbox_of("maya@" + domain) is mailbox


# --- the gate -------------------------------------------------------------------------------------------------


def at_gate(number: int, mailbox: Mailbox = Mailbox.OTHER, kind: SendKind = SendKind.NURTURE) -> AtGate:
    return AtGate(str(number), kind, mailbox)


KINDS = st.sampled_from(sorted(SendKind))
GROUPS = st.lists(st.tuples(st.sampled_from(sorted(Mailbox)), KINDS), max_size=12)


@given(groups=st.lists(GROUPS, max_size=8), cap=st.integers(0, 20), provider=RATES, gmail=RATES)
def test_no_group_exceeds_a_rate_or_the_day_s_cap(
    groups: list[list[tuple[Mailbox, SendKind]]], cap: int, provider: Rate, gmail: Rate
) -> None:
    """All at one instant, so that nothing leaks and the sums are plain."""
    manners = Manners(provider=provider, mailboxes={Mailbox.GMAIL: gmail}, warm_up=WarmUp(DAY, (cap,)))
    usage, went = Usage(), list[AtGate]()
    for group in groups:
        waiting = [at_gate(number, mailbox, kind) for number, (mailbox, kind) in enumerate(group)]
        told = turns(manners, usage, waiting, DAY, T)
        go = [send for send in waiting if told[send.id] is Turn.GO]
        usage = used(manners, usage, go, T)
        went += go

    assert len(went) <= provider.burst
    assert sum(send.mailbox is Mailbox.GMAIL for send in went) <= gmail.burst
    assert sum(send.kind is SendKind.NURTURE for send in went) <= cap == manners.warm_up.cap_on(DAY)  # type: ignore[union-attr]
    assert usage.nurture_today == sum(send.kind is SendKind.NURTURE for send in went)


def test_a_full_mailbox_holds_up_nobody_else_and_who_is_first_goes_first() -> None:
    manners = Manners(mailboxes={Mailbox.GMAIL: Rate(count=1, seconds=1)})
    waiting = [at_gate(1, Mailbox.GMAIL), at_gate(2, Mailbox.GMAIL), at_gate(3, Mailbox.YAHOO)]

    assert turns(manners, Usage(), waiting, DAY, T) == {"1": Turn.GO, "2": Turn.MAILBOX_BUSY, "3": Turn.GO}


def test_the_cap_is_for_education_and_never_for_an_answer() -> None:
    manners = Manners(warm_up=WarmUp(DAY, (1, 2)))
    waiting = [at_gate(1), at_gate(2), at_gate(3, kind=SendKind.ACKNOWLEDGEMENT)]

    assert turns(manners, Usage(), waiting, DAY, T) == {"1": Turn.GO, "2": Turn.NEXT_DAY, "3": Turn.GO}


def test_nothing_set_limits_nothing() -> None:
    waiting = [at_gate(number) for number in range(100)]

    assert Manners().is_unlimited
    assert set(turns(Manners(), Usage(), waiting, DAY, T).values()) == {Turn.GO}


@pytest.mark.parametrize(("day", "cap"), [(30, 20), (1, 20), (2, 40), (3, 80), (4, None), (28, None)])
def test_the_cap_grows_by_day_and_ends(day: int, cap: int | None) -> None:
    plan = WarmUp(date(2026, 12, 1), (20, 40, 80))

    assert plan.cap_on(date(2026, 11 if day == 30 else 12, day)) == cap


# --- what operators write -------------------------------------------------------------------------------------


def test_rates_and_caps_are_read_as_they_are_written() -> None:
    manners = read_manners("14/second, gmail 5 per minute, other 100/2 hours", "2026-12-01: 20 40", "smtp://h")

    assert manners.provider == Rate(14, 1)
    assert manners.mailboxes == {Mailbox.GMAIL: Rate(5, 60), Mailbox.OTHER: Rate(100, 7200)}
    assert manners.warm_up == WarmUp(date(2026, 12, 1), (20, 40))


def test_a_provider_has_a_usual_rate_and_what_stays_here_has_none() -> None:
    assert read_manners("", "", "ses://…").provider == Rate(14, 1)
    assert read_manners("off", "", "ses://…").provider is None
    assert read_manners("", "", "outbox:").is_unlimited


@pytest.mark.parametrize(
    ("rate", "caps"),
    [("fast", ""), ("yahoo", ""), ("5", ""), ("bing 5/second", ""), ("", "20 40"), ("", "2026-13-01: 20"),
     ("", "2026-12-01:")],
)  # fmt: skip
def test_what_can_not_be_read_is_refused(rate: str, caps: str) -> None:
    with pytest.raises(ValueError, match=r"must"):
        read_manners(rate, caps, "smtp://h")


# --- the breaker ----------------------------------------------------------------------------------------------

OPEN = Breaker(state=State.OPEN, failures=3, since=T, retry_at=T + timedelta(seconds=30), code="smtp_unreachable")
HALF = probing(OPEN, T + timedelta(seconds=30))


def after(breaker: Breaker, signal: Signal, *, is_probe: bool = False, now: datetime = T) -> tuple[Breaker, Act | None]:
    return circuit.after(breaker, signal, now, is_probe=is_probe, code="smtp_unreachable")


@pytest.mark.parametrize(
    ("before", "signal", "is_probe", "state", "act"),
    [
        (Breaker(), Signal.WORKS, False, State.CLOSED, None),
        (Breaker(failures=2), Signal.WORKS, False, State.CLOSED, None),
        (Breaker(), Signal.FAILS, False, State.CLOSED, None),
        (Breaker(failures=2), Signal.FAILS, False, State.OPEN, Act.OPENED),
        (Breaker(failures=1), Signal.REFUSES_US, False, State.CLOSED, None),
        (Breaker(failures=2), Signal.REFUSES_US, False, State.CLOSED, Act.STOP),
        (OPEN, Signal.WORKS, False, State.OPEN, None),
        (OPEN, Signal.FAILS, False, State.OPEN, None),
        (OPEN, Signal.REFUSES_US, False, State.OPEN, None),
        (HALF, Signal.WORKS, False, State.HALF_OPEN, None),
        (HALF, Signal.FAILS, False, State.HALF_OPEN, None),
        (HALF, Signal.WORKS, True, State.CLOSED, Act.CLOSED),
        (HALF, Signal.FAILS, True, State.OPEN, None),
        (HALF, Signal.REFUSES_US, True, State.CLOSED, Act.STOP),
    ],
)
def test_what_follows_a_group(before: Breaker, signal: Signal, is_probe: bool, state: State, act: Act | None) -> None:
    changed, told = after(before, signal, is_probe=is_probe)

    assert (changed.state, told) == (state, act)


def test_open_lets_nothing_through_until_its_time_and_then_one_at_a_time() -> None:
    assert passage(OPEN, T + timedelta(seconds=29)) is Passage.NOTHING
    assert passage(OPEN, T + timedelta(seconds=30)) is Passage.PROBE
    assert passage(HALF, T + timedelta(seconds=31)) is Passage.NOTHING
    assert passage(HALF, T + timedelta(seconds=30) + circuit.PROBE_LASTS) is Passage.PROBE, "its worker has died"
    assert passage(unprobed(HALF, T + timedelta(seconds=31)), T + timedelta(seconds=31)) is Passage.PROBE


def test_each_probe_that_fails_doubles_the_wait_up_to_a_quarter_of_an_hour() -> None:
    breaker, waits, now = OPEN, list[float](), T
    for _ in range(40):
        breaker, _ = after(probing(breaker, now), Signal.FAILS, is_probe=True, now=now)
        assert breaker.retry_at is not None
        waits.append((breaker.retry_at - now).total_seconds())
        now = breaker.retry_at

    assert waits[:6] == [60, 120, 240, 480, 900, 900]
    assert waits[-1] == 900
    assert breaker.since == T, "it says since when"


def test_a_provider_that_asks_for_more_time_is_given_it_within_reason() -> None:
    def wait(asked: timedelta) -> timedelta:
        changed, _ = circuit.after(Breaker(failures=2), Signal.FAILS, T, is_probe=False, retry_after=asked)
        assert changed.retry_at is not None
        return changed.retry_at - T

    assert wait(timedelta(seconds=1)) == circuit.FIRST_WAIT
    assert wait(timedelta(minutes=40)) == timedelta(minutes=40)
    assert wait(timedelta(days=7)) == circuit.LONGEST_ASKED


EVENTS = st.lists(st.tuples(st.sampled_from(sorted(Signal)), st.integers(0, 1200)), max_size=60)


@given(events=EVENTS)
def test_it_always_comes_back_tells_each_change_once_and_never_opens_while_something_works(
    events: list[tuple[Signal, int]],
) -> None:
    breaker, now, told = Breaker(), T, list[Act]()
    in_a_row = 0
    for signal, seconds in events:
        now += timedelta(seconds=seconds)
        way = passage(breaker, now)
        if way is Passage.NOTHING:
            continue
        was_closed = breaker.state is State.CLOSED
        breaker = probing(breaker, now) if way is Passage.PROBE else breaker
        breaker, act = after(breaker, signal, is_probe=way is Passage.PROBE, now=now)
        in_a_row = 0 if signal is Signal.WORKS else in_a_row + 1
        if was_closed and act is not None:
            assert in_a_row >= circuit.OPENS_AFTER
        if act is not None:
            told.append(act)
            in_a_row = 0 if act is Act.STOP else in_a_row
        assert breaker.state is State.CLOSED or breaker.retry_at is not None, "it never stays open for ever"

    opened_or_closed = [act for act in told if act is not Act.STOP]
    assert all((one, other) != (Act.CLOSED, Act.CLOSED) for one, other in pairwise(opened_or_closed))
