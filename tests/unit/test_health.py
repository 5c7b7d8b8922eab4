"""One sentence of health: each figure that matters, from which value on, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from worker.domain.health import Figures, verdict

FINE = Figures(
    broker_answers=True,
    beat_age_s=7.4,
    consumers={"intake": 2, "deliver": 1},
    oldest_s={"intake": None, "deliver": 0.5},
    due=0,
    oldest_due_s=None,
    parked=0,
    unknown=0,
    unknown_oldest_s=None,
    stranded=0,
    held=0,
    quarantined=0,
    spool_oldest_s=None,
    spool_set_aside=0,
    has_content=True,
    paused=0,
)


def test_a_product_at_rest_is_all_clear() -> None:
    found = verdict(FINE)
    assert found.ok
    assert found.sentence == "All clear: beat 7 s ago."


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"broker_answers": False}, "the broker does not answer"),
        ({"has_content": False}, "no content is published"),
        ({"beat_age_s": None}, "beat has not been seen"),
        ({"beat_age_s": 61.0}, "beat is silent for 61 s"),
        ({"consumers": {"intake": 0, "deliver": 1, "alert": 0}}, "nobody consumes alert, intake"),
        ({"oldest_s": {"intake": 300.1, "deliver": None}}, "messages wait too long on intake"),
        ({"due": 12, "oldest_due_s": 301.0}, "12 sends are due, the oldest for 301 s"),
        ({"spool_oldest_s": 301.0}, "submissions wait in the spool"),
        ({"spool_set_aside": 2}, "2 spool files were set aside"),
        ({"spool_set_aside": 1}, "1 spool file was set aside"),
        ({"mailboxes_silent": 1}, "1 mailbox can't be read"),
        ({"parked": 3}, "3 parked"),
        ({"parked": 3, "urgent": 1}, "Needs attention: 1 urgent message to be looked at now; 3 parked"),
        ({"unanswered": 1, "urgent": 1}, "Needs attention: 1 urgent message that nobody has acknowledged."),
        ({"unknown": 1, "unknown_oldest_s": 59.0}, "1 send with an unknown outcome, the oldest for 59 s"),
        ({"unknown": 2, "unknown_oldest_s": 59.0}, "2 sends with an unknown outcome, the oldest for 59 s"),
        ({"unknown": 2, "unknown_oldest_s": 7_300.0}, "2 sends with an unknown outcome, the oldest for 2 h"),
        ({"stranded": 4}, "4 people in a sequence have nothing planned"),
    ],
)
def test_each_trouble_is_named(changes: dict[str, Any], said: str) -> None:
    found = verdict(replace(FINE, **changes))
    assert not found.ok
    assert found.sentence.startswith("Needs attention: ")
    assert said in found.sentence
    assert found.sentence.endswith(".")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"beat_age_s": 60.0}, "beat 60 s ago"),
        ({"oldest_s": {"intake": 300.0, "deliver": 0.0}}, "beat 7 s ago"),
        ({"due": 500, "oldest_due_s": 300.0}, "500 sends due"),
        ({"spool_oldest_s": 300.0}, "beat 7 s ago"),
        ({"held": 4}, "4 held"),
        ({"quarantined": 5}, "5 in quarantine"),
        ({"endpoints_paused": 1}, "1 system is told nothing (paused)"),
        ({"paused": 1}, "All clear: 1 pause in force"),
        ({"paused": 2, "due": 90, "oldest_due_s": 9_999.0}, "2 pauses in force; 90 sends due"),
        ({"urgent": 1, "paused": 1}, "All clear: 1 urgent message to be looked at now; 1 pause in force"),
    ],
)
def test_depths_and_pauses_are_notes_and_no_trouble(changes: dict[str, Any], said: str) -> None:
    found = verdict(replace(FINE, **changes))
    assert found.ok
    assert said in found.sentence


def test_a_pause_is_told_beside_every_trouble() -> None:
    assert verdict(replace(FINE, parked=2, paused=1)).sentence == "Needs attention: 2 parked; 1 pause in force."


def test_every_trouble_is_told_at_once() -> None:
    found = verdict(replace(FINE, broker_answers=False, beat_age_s=None, parked=1, unknown=1, has_content=False))
    assert found.sentence.count(";") == 4
