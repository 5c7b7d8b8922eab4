"""Who may what, how a wrong password is answered, and what a code is: the pure parts of signing in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from worker.console.words import age, instant
from worker.domain.health import MAX_WAIT_S, queue_trouble
from worker.domain.staff import FREE_TRIES, Permission, Role, is_staff_name, may, wait_after, weakness
from worker.storage.one_time_codes import address_of, code_at, spelled, step_of
from worker.tasks.liveness import Recently

RFC_KEY = b"12345678901234567890"
"""Of the examples in RFC 6238; its codes have eight digits, ours are the last six of them."""


@pytest.mark.parametrize(
    ("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    at = datetime.fromtimestamp(seconds, UTC)

    assert code_at(RFC_KEY, at) == code
    assert step_of(RFC_KEY, f"{code[:3]} {code[3:]}", at) == seconds // 30


def test_a_clock_may_be_off_by_half_a_minute_and_no_more() -> None:
    now = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
    steps = [step_of(RFC_KEY, code_at(RFC_KEY, now + timedelta(seconds=30 * off)), now) for off in (-2, -1, 0, 1, 2)]

    present = int(now.timestamp()) // 30
    assert steps == [None, present - 1, present, present + 1, None]


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６"])
def test_what_is_no_code_is_refused(code: str) -> None:
    assert step_of(RFC_KEY, code, datetime(2026, 3, 2, tzinfo=UTC)) is None


def test_the_key_is_spelled_for_people_and_for_apps() -> None:
    assert spelled(RFC_KEY) == "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
    assert address_of(RFC_KEY, "jordan").startswith("otpauth://totp/The%20Albany%20Clinic:jordan?")


def test_the_wait_after_wrong_tries_grows_and_ends() -> None:
    waits = [wait_after(failures) for failures in range(40)]

    assert set(waits[:FREE_TRIES]) == {timedelta()}
    assert waits[FREE_TRIES : FREE_TRIES + 3] == [timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=2)]
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(minutes=15)


@pytest.mark.parametrize(
    "password", ["three green teapots", "correct horse battery", "Übermäßig lange Wörter", "x7#kQ!m2vL9p"]
)
def test_length_is_enough_whatever_it_is_made_of(password: str) -> None:
    assert weakness(password, "jordan") is None


@pytest.mark.parametrize(
    "password", ["", "elevenchars", "password2026!!", "qwertyuiop12", "111111111111", "my jordan is here", "x" * 201]
)
def test_what_anybody_would_try_is_refused(password: str) -> None:
    assert weakness(password, "jordan")


@pytest.mark.parametrize(
    ("name", "is_one"), [("jordan", True), ("j.o-r_1", True), ("Jordan", False), ("1jordan", False), ("j", False)]
)
def test_a_name_is_plain(name: str, is_one: bool) -> None:
    assert is_staff_name(name) is is_one


def test_who_sees_contact_data_can_act_and_who_erases_is_an_admin() -> None:
    for role in Role:
        assert may(role, Permission.REVEAL_CONTACT) == may(role, Permission.ACT_ON_LEADS)
        assert may(role, Permission.ERASE_LEADS) == (role is Role.ADMIN)


# --- the first page ---


def test_a_queue_is_in_trouble_by_age_and_broken_promises_never_by_depth() -> None:
    assert queue_trouble(100_000, 2.0, 1, is_paused=False) is None
    assert queue_trouble(0, None, 0, is_paused=False) is None, "nothing waits for the worker that is not there"
    assert queue_trouble(1, 0.0, 0, is_paused=False) == "messages wait, and nobody takes them"
    assert queue_trouble(1, MAX_WAIT_S + 1, 1, is_paused=False) == "the oldest waits too long"
    assert queue_trouble(1, MAX_WAIT_S + 1, 1, is_paused=True) is None, "someone wants it so"
    assert queue_trouble(None, None, 1, is_paused=False) == "the broker does not answer"


def test_what_was_taken_up_lately_forgets_what_is_older() -> None:
    recently = Recently(length_s=300)
    totals = [(0, 0), (100, 5), (300, 5), (350, 9), (700, 9), (1000, 9)]

    assert [recently.since(at, {"task": total})["task"] for at, total in totals] == [0, 5, 5, 9, 0, 0]


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, "–"), (-1, "0 s"), (8.4, "8 s"), (90, "2 min"), (7200, "2 h"), (400_000, "5 d")]
)
def test_an_age_is_said_in_one_unit(seconds: float | None, said: str) -> None:
    assert age(seconds) == said


def test_an_instant_is_said_in_the_zone_of_the_place_on_both_sides_of_the_change() -> None:
    before, after = datetime(2026, 3, 8, 7, 59, tzinfo=UTC), datetime(2026, 3, 8, 8, 0, tzinfo=UTC)

    assert "Sun 8 Mar 2026, 01:59 CST" in instant(before, "America/Chicago")
    assert 'datetime="2026-03-08T03:00:00-05:00"' in instant(after, "America/Chicago")
    assert "04:00 EDT" in instant(after, "America/New_York")
