"""The product clock: runs at its speed, never backwards, and every process reads the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from worker.domain.clock import ProductClock

REAL = datetime(2026, 3, 4, 12, tzinfo=UTC)
PRODUCT = datetime(2026, 6, 1, 9, tzinfo=UTC)

speeds = st.sampled_from([0.0, 1.0, 60.0, 1440.0])
spans = st.integers(0, 100 * 86_400).map(lambda seconds: timedelta(seconds=seconds))
clocks = st.builds(
    lambda speed, ahead: ProductClock(speed=speed, real_anchor=REAL, product_anchor=REAL + ahead), speeds, spans
)


def test_in_real_life_the_product_clock_is_the_clock_on_the_wall() -> None:
    clock = ProductClock(speed=1, real_anchor=REAL, product_anchor=REAL)
    assert clock.at(REAL + timedelta(days=400, microseconds=1)) == REAL + timedelta(days=400, microseconds=1)


def test_at_speed_1440_a_day_passes_in_a_minute() -> None:
    clock = ProductClock(speed=1440, real_anchor=REAL, product_anchor=PRODUCT)
    assert clock.at(REAL + timedelta(minutes=1)) == PRODUCT + timedelta(days=1)


def test_at_speed_0_time_moves_by_jumps_only() -> None:
    clock = ProductClock(speed=0, real_anchor=REAL, product_anchor=PRODUCT)
    assert clock.at(REAL + timedelta(days=30)) == PRODUCT
    assert clock.jumped(REAL, PRODUCT + timedelta(days=2)).at(REAL + timedelta(hours=5)) == PRODUCT + timedelta(days=2)


@given(clocks, spans, spans)
def test_a_later_instant_is_never_earlier_on_the_product_clock(
    clock: ProductClock, one: timedelta, more: timedelta
) -> None:
    assert clock.at(REAL + one) <= clock.at(REAL + one + more)


@given(clocks, st.integers(0, 86_400), st.integers(-(10**8), 10**8))
def test_a_jump_lands_on_its_target_and_never_goes_back(clock: ProductClock, passed_s: int, target_s: int) -> None:
    now = REAL + timedelta(seconds=passed_s)
    target = REAL + timedelta(seconds=target_s)
    jumped = clock.jumped(now, target)
    assert jumped.at(now) == max(target, clock.at(now))
    assert jumped.speed == clock.speed


@given(clocks, speeds, st.integers(0, 86_400))
def test_another_speed_goes_on_from_the_same_instant(clock: ProductClock, speed: float, passed_s: int) -> None:
    now = REAL + timedelta(seconds=passed_s)
    changed = clock.at_speed(now, speed)
    assert changed.at(now) == clock.at(now)
    assert changed.at(now + timedelta(seconds=10)) - changed.at(now) == timedelta(seconds=10) * speed
