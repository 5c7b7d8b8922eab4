"""Commands tell times in one zone, which each of them names."""

from __future__ import annotations

from datetime import UTC, datetime

from worker.cli.output import Times

CHICAGO = Times("America/Chicago")


def test_an_instant_is_told_in_the_zone_with_the_name_of_winter_or_summer_time() -> None:
    assert CHICAGO(datetime(2026, 3, 5, 15, 0, tzinfo=UTC)) == "2026-03-05 09:00 CST"
    assert CHICAGO("2026-07-05T15:00:00+00:00") == "2026-07-05 10:00 CDT"
    assert CHICAGO(None) == ""


def test_columns_that_end_in_at_are_instants_and_the_others_stay() -> None:
    row = {"code": "held", "due_at": "2026-03-05T15:00:00+00:00", "sent_at": None, "unasked": 1}

    assert CHICAGO.rows([row], ["code", "due_at", "sent_at"]) == [["held", "2026-03-05 09:00 CST", ""]]
