"""The response clock: working time only, across weekends, holidays and both DST nights."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.response import USUAL, FrontDeskRules, Waiting, after_working, response, working_time
from worker.domain.schedule import Calendar, Window

CHICAGO = Calendar(zone="America/Chicago", closed=frozenset({date(2026, 11, 27)}))
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("since", "until", "worked"),
    [
        ("2026-03-04T10:00-06:00", "2026-03-04T10:20-06:00", 20 * MINUTE),
        ("2026-03-04T16:50-06:00", "2026-03-05T09:10-06:00", 20 * MINUTE),  # overnight
        ("2026-03-06T22:15-06:00", "2026-03-09T09:05-05:00", 5 * MINUTE),  # a weekend in which clocks go forward
        ("2026-10-30T16:00-05:00", "2026-11-02T10:00-06:00", 2 * HOUR),  # and back
        ("2026-11-25T16:00-06:00", "2026-11-30T10:00-06:00", 2 * HOUR),  # Thanksgiving, and the clinic's day after it
        ("2026-03-07T12:00-06:00", "2026-03-07T13:00-06:00", timedelta()),  # Saturday
        ("2026-03-04T10:00-06:00", "2026-03-06T10:00-06:00", 16 * HOUR),
    ],
)
def test_only_the_hours_of_the_front_desk_count(since: str, until: str, worked: timedelta) -> None:
    assert working_time(at(since), at(until), USUAL.window, CHICAGO) == worked


@pytest.mark.parametrize(
    ("minutes", "waiting"),
    [(0, Waiting.IN_TIME), (30, Waiting.IN_TIME), (31, Waiting.LATE), (120, Waiting.LATE), (121, Waiting.ESCALATED)],
)
def test_a_person_is_late_and_then_escalated_by_the_rules_of_the_clinic(minutes: int, waiting: Waiting) -> None:
    since = at("2026-03-04T10:00-06:00")

    found = response(since, USUAL, CHICAGO, since + minutes * MINUTE)

    assert (found.waiting, found.worked) == (waiting, minutes * MINUTE)
    assert found.answer_by == since + 30 * MINUTE


def test_who_writes_in_the_night_is_to_be_answered_half_an_hour_after_opening() -> None:
    since = at("2026-03-06T22:15-06:00")
    assert response(since, USUAL, CHICAGO, since).answer_by == at("2026-03-09T09:30-05:00")


@given(since=INSTANTS, work=st.integers(0, 3000).map(lambda minutes: minutes * MINUTE))
def test_working_time_until_the_instant_of_the_promise_is_what_was_promised(since: datetime, work: timedelta) -> None:
    by = after_working(since, work, USUAL.window, CHICAGO)
    assert working_time(since, by, USUAL.window, CHICAGO) == work


@given(
    since=INSTANTS,
    first=st.timedeltas(timedelta(), timedelta(days=9)),
    more=st.timedeltas(timedelta(), timedelta(days=9)),
)
def test_working_time_adds_up_and_is_never_more_than_time(since: datetime, first: timedelta, more: timedelta) -> None:
    def worked(start: datetime, end: datetime) -> timedelta:
        return working_time(start, end, USUAL.window, CHICAGO)

    middle, end = since + first, since + first + more
    assert worked(since, middle) + worked(middle, end) == worked(since, end) <= end - since


def test_a_desk_that_works_on_saturdays_works_on_saturdays() -> None:
    window = Window(days=frozenset(range(6)), start=time(9), until=time(12))
    rules = FrontDeskRules(window=window, answer_within=HOUR, escalate_after=2 * HOUR)
    since = at("2026-03-07T08:00-06:00")
    assert response(since, rules, CHICAGO, since).answer_by == at("2026-03-07T10:00-06:00")
