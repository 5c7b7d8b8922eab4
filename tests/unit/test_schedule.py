"""When nurture may go out: windows, closed days, federal holidays, both zones and both DST nights."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.shipped import clinic, utc
from worker.domain.leads import Location
from worker.domain.schedule import Calendar, Window, is_open, next_open, us_federal_holidays, wait_until

CHICAGO = Calendar(zone="America/Chicago")
NEW_YORK = Calendar(zone="America/New_York")
BOTH = (CHICAGO, NEW_YORK)
OFFICE = Window(days=frozenset(range(6)), start=time(9), until=time(18))
EVERY_HOUR = Window(days=frozenset(range(7)), start=time(0), until=time(23, 59))
MINUTE = timedelta(minutes=1)

# As the Office of Personnel Management publishes them: the day off of each of the eleven holidays.
OBSERVED = {
    2026: "01-01 01-19 02-16 05-25 06-19 07-03 09-07 10-12 11-11 11-26 12-25",
    2027: "01-01 01-18 02-15 05-31 06-18 07-05 09-06 10-11 11-11 11-25 12-24 12-31",
    2028: "01-17 02-21 05-29 06-19 07-04 09-04 10-09 11-10 11-23 12-25",
}
# The holidays themselves where they fall on a weekend: a Saturday is a day of the clinic's window.
ON_A_WEEKEND = {2026: "07-04", 2027: "06-19 07-04 12-25", 2028: "01-01 11-11"}


@pytest.mark.parametrize("year", OBSERVED)
def test_the_federal_holidays_are_those_that_the_government_publishes(year: int) -> None:
    expected = {date.fromisoformat(f"{year}-{day}") for day in f"{OBSERVED[year]} {ON_A_WEEKEND[year]}".split()}
    assert us_federal_holidays(year) == expected


@pytest.mark.parametrize("year", range(2024, 2040))
def test_every_year_has_eleven_holidays_that_are_observed_on_weekdays(year: int) -> None:
    around = {day for near in (year - 1, year, year + 1) for day in us_federal_holidays(near)}
    for month, day in ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25)):
        holiday = date(year, month, day)
        day_off = holiday + timedelta(days={5: -1, 6: 1}.get(holiday.weekday(), 0))
        assert {holiday, day_off} <= around
    assert sum(day.weekday() < 5 for day in us_federal_holidays(year)) in {10, 11, 12}


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2026-03-04T08:59:59-06:00", "2026-03-04T09:00-06:00"),  # a second too early
        ("2026-03-04T09:00-06:00", "2026-03-04T09:00-06:00"),  # the first instant
        ("2026-03-04T17:59:59.999999-06:00", "2026-03-04T17:59:59.999999-06:00"),  # the last one
        ("2026-03-04T18:00-06:00", "2026-03-05T09:00-06:00"),  # `until` is exclusive
        ("2026-03-07T17:59-06:00", "2026-03-07T17:59-06:00"),  # Saturday is a working day
        ("2026-03-07T18:00-06:00", "2026-03-09T09:00-05:00"),  # Sunday is not; clocks go forward that night
        ("2026-03-08T03:30-05:00", "2026-03-09T09:00-05:00"),  # the spring night itself
        ("2026-10-31T18:00-05:00", "2026-11-02T09:00-06:00"),  # clocks go back
        ("2026-11-01T01:30-05:00", "2026-11-02T09:00-06:00"),  # the first 1:30 of the autumn night
        ("2026-11-01T01:30-06:00", "2026-11-02T09:00-06:00"),  # the second one
        ("2026-07-02T18:30-05:00", "2026-07-06T09:00-05:00"),  # 3 July observed, 4 July, Sunday
        ("2026-11-25T18:00-06:00", "2026-11-27T09:00-06:00"),  # Thanksgiving; the day after is the clinic's own
        ("2026-12-24T18:00-06:00", "2026-12-26T09:00-06:00"),  # Christmas
        ("2027-12-30T18:00-06:00", "2028-01-03T09:00-06:00"),  # 31 December observed, 1 January, Sunday
        ("2026-12-31T23:59-06:00", "2027-01-02T09:00-06:00"),  # New Year's Day by the zone, not by UTC
        ("2027-01-01T23:30-06:00", "2027-01-02T09:00-06:00"),  # in UTC it is the second already
    ],
)
def test_a_window_opens_at_the_wall_clock_of_its_zone(at: str, opens: str) -> None:
    assert next_open(utc(at), OFFICE, [CHICAGO]) == utc(opens)


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2026-03-04T13:59Z", "2026-03-04T15:00Z"),  # 9:00 in Chicago, where it is 10:00 in New York
        ("2026-03-04T14:30Z", "2026-03-04T15:00Z"),  # New York is open, Chicago is not
        ("2026-03-04T22:59Z", "2026-03-04T22:59Z"),  # 17:59 in New York
        ("2026-03-04T23:00Z", "2026-03-05T15:00Z"),  # New York has closed, Chicago has an hour left
        ("2026-03-09T13:30Z", "2026-03-09T14:00Z"),  # after the spring night
        ("2026-11-02T14:30Z", "2026-11-02T15:00Z"),  # after the autumn night
    ],
)
def test_an_undecided_lead_hears_only_when_both_clinics_are_open(at: str, opens: str) -> None:
    assert next_open(utc(at), OFFICE, BOTH) == utc(opens)
    assert next_open(utc(at), OFFICE, reversed(BOTH)) == utc(opens)


def test_a_closed_day_of_either_clinic_is_closed_for_an_undecided_lead() -> None:
    closed = Calendar(zone="America/New_York", closed=frozenset({date(2026, 3, 4)}))
    assert next_open(utc("2026-03-04T12:00-06:00"), OFFICE, [CHICAGO, closed]) == utc("2026-03-05T09:00-06:00")


def test_the_shipped_clinic_sends_nothing_on_its_closed_days() -> None:
    window = clinic().nurture.window
    for location in (Location.CARBONDALE, Location.ALBANY, Location.UNDECIDED):
        calendars = clinic().calendars(location)
        noon = datetime(2026, 11, 26, 12, tzinfo=ZoneInfo(calendars[0].zone))
        assert next_open(noon, window, calendars).astimezone(ZoneInfo("America/Chicago")).date() == date(2026, 11, 28)


@pytest.mark.parametrize("hour", [1, 2, 3])
def test_an_instant_of_the_night_when_clocks_go_back_is_open_when_the_window_is(hour: int) -> None:
    for fold in (0, 1):
        at = datetime(2026, 11, 1, hour, 30, tzinfo=ZoneInfo(CHICAGO.zone), fold=fold)
        assert is_open(at, EVERY_HOUR, [CHICAGO])
        assert is_open(at.astimezone(UTC), EVERY_HOUR, [CHICAGO])


def test_a_window_within_the_hour_that_a_spring_night_lacks_opens_a_day_later() -> None:
    lost_hour = Window(days=frozenset(range(7)), start=time(2, 30), until=time(3, 15))
    assert next_open(utc("2026-03-08T00:00-06:00"), lost_hour, [CHICAGO]) == utc("2026-03-09T02:30-05:00")


def test_a_window_that_never_opens_is_an_error_and_not_an_endless_search() -> None:
    never = Window(days=frozenset(), start=time(9), until=time(18))
    with pytest.raises(ValueError, match="does not open within a year"):
        next_open(utc("2026-03-04T12:00Z"), never, [CHICAGO])


def test_calendars_that_are_never_open_together_are_an_error() -> None:
    an_hour = Window(days=frozenset(range(7)), start=time(9), until=time(10))
    tokyo = Calendar(zone="Asia/Tokyo")
    with pytest.raises(ValueError, match="does not open within a year"):
        next_open(utc("2026-03-04T12:00Z"), an_hour, [CHICAGO, tokyo])


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (None, OFFICE),
        (Window(days=frozenset({1, 6}), start=time(8), until=time(12)), (frozenset({1}), time(9), time(12))),
        (Window(days=frozenset({2}), start=time(10), until=time(20)), (frozenset({2}), time(10), time(18))),
    ],
)
def test_a_step_can_narrow_the_window_and_never_widen_it(other: Window | None, expected: object) -> None:
    narrowed = OFFICE.narrowed(other)
    assert expected in (narrowed, (narrowed.days, narrowed.start, narrowed.until))


@pytest.mark.parametrize(
    ("anchor", "days", "zone", "due"),
    [
        ("2026-03-06T22:15:42-06:00", 2, "America/Chicago", "2026-03-08T22:15-05:00"),  # over the spring night
        ("2026-03-07T10:00-06:00", 1, "America/Chicago", "2026-03-08T10:00-05:00"),
        ("2026-03-07T02:30-06:00", 1, "America/Chicago", "2026-03-08T03:30-05:00"),  # 2:30 does not exist
        ("2026-10-31T10:00-05:00", 1, "America/Chicago", "2026-11-01T10:00-06:00"),  # over the autumn night
        ("2026-10-31T01:30-05:00", 1, "America/Chicago", "2026-11-01T01:30-05:00"),  # the first 1:30 of two
        ("2026-11-01T01:30-06:00", 1, "America/Chicago", "2026-11-02T01:30-06:00"),  # from the second 1:30
        ("2026-03-07T10:00-05:00", 1, "America/New_York", "2026-03-08T10:00-04:00"),
        ("2026-10-31T10:00-04:00", 3, "America/New_York", "2026-11-03T10:00-05:00"),
        ("2026-03-04T00:30-06:00", 1, "America/New_York", "2026-03-05T01:30-05:00"),  # another zone than the anchor's
    ],
)
def test_waiting_whole_days_keeps_the_wall_clock(anchor: str, days: int, zone: str, due: str) -> None:
    assert wait_until(utc(anchor), timedelta(days=days), zone) == utc(due)


def test_waiting_hours_counts_hours_across_a_dst_night() -> None:
    start = utc("2026-03-07T20:00-06:00")
    assert wait_until(start, timedelta(hours=12), CHICAGO.zone) == start + timedelta(hours=12)
    assert wait_until(start, timedelta(hours=36), CHICAGO.zone) == utc("2026-03-08T20:00-05:00") + timedelta(hours=12)


# Instants crowd around what is odd about a year: DST nights and holidays, in the years that content lives in.
ODD_DAYS = [
    date(2026, 3, 8),
    date(2026, 11, 1),
    date(2027, 3, 14),
    date(2027, 11, 7),
    date(2026, 7, 3),
    date(2026, 11, 26),
    date(2027, 12, 24),
    date(2027, 12, 31),
    date(2028, 1, 1),
    date(2028, 2, 29),
]
odd_instants = st.builds(
    lambda day, seconds: datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=seconds),
    st.sampled_from(ODD_DAYS),
    st.integers(-2 * 86_400, 2 * 86_400),
)
any_instants = st.integers(0, 3 * 366 * 86_400).map(
    lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
instants = odd_instants | any_instants
days = st.frozensets(st.integers(0, 6), min_size=1)


@st.composite
def windows(draw: st.DrawFn, earliest: int = 3 * 60) -> Window:
    """Windows of the day, after the hours that DST nights repeat or leave out."""
    start = draw(st.integers(earliest, 23 * 60 + 58))
    until = draw(st.integers(start + 1, 23 * 60 + 59))
    return Window(days=draw(days), start=time(start // 60, start % 60), until=time(until // 60, until % 60))


office_windows = st.builds(
    lambda days, start, hours: Window(days=days, start=time(start), until=time(min(start + hours, 18))),
    days, st.integers(9, 15), st.integers(2, 9),
)  # fmt: skip
closed_days = st.frozensets(st.dates(date(2026, 1, 1), date(2028, 12, 31)), max_size=4)
calendars = st.lists(
    st.builds(Calendar, zone=st.sampled_from(["America/Chicago", "America/New_York"]), closed=closed_days),
    min_size=1,
    max_size=2,
)


def wall_clock_says_open(at: datetime, window: Window, calendar: Calendar) -> bool:
    """The rule as a person would read it off a clock on the wall and a calendar beside it."""
    local = at.astimezone(ZoneInfo(calendar.zone))
    holidays = us_federal_holidays(local.year)
    return (
        local.weekday() in window.days
        and window.start <= local.time() < window.until
        and local.date() not in calendar.closed
        and local.date() not in holidays
    )


@given(instants, office_windows, calendars)
def test_next_open_is_never_early_and_always_open_everywhere(
    at: datetime, window: Window, places: list[Calendar]
) -> None:
    opened = next_open(at, window, places)
    assert opened >= at
    assert opened.tzinfo is UTC
    assert all(wall_clock_says_open(opened, window, place) for place in places)
    assert is_open(opened, window, places)
    assert next_open(opened, window, places) == opened, "open already, and still it moves"


@given(instants, office_windows, calendars)
def test_is_open_agrees_with_the_clock_on_the_wall(at: datetime, window: Window, places: list[Calendar]) -> None:
    assert is_open(at, window, places) == all(wall_clock_says_open(at, window, place) for place in places)


@given(instants, windows(), calendars.filter(lambda places: len(places) == 1))
def test_any_window_of_the_day_opens_by_the_clock_on_the_wall(
    at: datetime, window: Window, places: list[Calendar]
) -> None:
    opened = next_open(at, window, places)
    assert opened >= at
    assert wall_clock_says_open(opened, window, places[0])


@given(instants, office_windows, calendars, st.floats(0, 1))
def test_nothing_is_open_between_an_instant_and_its_next_opening(
    at: datetime, window: Window, places: list[Calendar], part: float
) -> None:
    """A minute grid would be slow over weeks: the minute before, a random one, and every quarter hour before."""
    opened = next_open(at, window, places)
    earlier = [opened - MINUTE, at + (opened - at) * part]
    earlier += [opened - timedelta(minutes=15 * quarter) for quarter in range(1, 200)]
    for instant in earlier:
        if at <= instant < opened:
            assert not all(wall_clock_says_open(instant, window, place) for place in places), instant


@pytest.mark.parametrize("at", ["2026-03-06T20:00-06:00", "2026-10-30T20:00-05:00", "2026-07-02T17:30-05:00"])
def test_no_minute_before_the_next_opening_is_open(at: str) -> None:
    start = utc(at)
    opened = next_open(start, OFFICE, BOTH)
    minute = start
    while minute < opened:
        assert not all(wall_clock_says_open(minute, OFFICE, place) for place in BOTH), minute
        minute += MINUTE


@given(instants, instants, office_windows, calendars)
def test_a_later_instant_never_opens_earlier(
    one: datetime, other: datetime, window: Window, places: list[Calendar]
) -> None:
    first, second = sorted((one, other))
    assert next_open(first, window, places) <= next_open(second, window, places)


@given(instants, st.integers(0, 60), st.integers(0, 86_399), st.sampled_from([CHICAGO.zone, NEW_YORK.zone]))
def test_a_wait_is_its_length_to_the_minute_but_for_the_dst_hour(
    anchor: datetime, whole_days: int, rest_s: int, zone: str
) -> None:
    wait = timedelta(days=whole_days, seconds=rest_s)
    due = wait_until(anchor, wait, zone)
    assert abs(due - (anchor + wait)) <= timedelta(hours=1, minutes=1)
    assert due >= wait_until(anchor, timedelta(days=whole_days), zone)
