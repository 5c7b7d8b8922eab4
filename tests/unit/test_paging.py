"""How often staff are told of a person who may be in danger."""

from __future__ import annotations

from datetime import timedelta

import pytest

from worker.domain.paging import until_next_page, until_retry
from worker.domain.safety import CrisisTier


def test_staff_are_told_again_after_five_ten_fifteen_minutes_and_at_last_every_hour() -> None:
    minutes = [until_next_page(CrisisTier.ACUTE, pages) / timedelta(minutes=1) for pages in range(1, 15)]

    assert minutes == [5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 60, 60]


def test_what_may_wait_for_office_hours_is_told_by_the_hour() -> None:
    assert until_next_page(CrisisTier.REVIEW, 1) == timedelta(hours=1)
    assert until_next_page(CrisisTier.REVIEW, 1000) == timedelta(hours=12)


@pytest.mark.parametrize("attempts", [1, 5, 12, 1000, 10**9])
def test_a_channel_that_fails_is_tried_again_within_five_minutes_for_ever(attempts: int) -> None:
    assert timedelta(0) < until_retry(attempts) <= timedelta(minutes=5)
