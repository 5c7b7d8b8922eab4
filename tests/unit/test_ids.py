"""Identifiers: what is done twice has one name, and what is new sorts by its time."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.ids import acknowledgement_id, alert_id, is_id, new_id, reference, step_send_id, submission_id

keys = st.text(min_size=1, max_size=30)


def test_a_fresh_id_is_a_uuid_of_version_7() -> None:
    fresh = UUID(new_id())
    assert (fresh.version, fresh.variant) == (7, "specified in RFC 4122")


def test_fresh_ids_sort_by_the_time_they_were_made() -> None:
    with time_machine.travel(datetime(2026, 3, 4, 12, tzinfo=UTC), tick=False) as clock:
        made = []
        for _ in range(50):
            made.append(new_id())
            clock.shift(0.001)
    assert made == sorted(made)
    assert UUID(made[0]).int >> 80 == int(datetime(2026, 3, 4, 12, tzinfo=UTC).timestamp() * 1000)


def test_fresh_ids_of_one_instant_differ() -> None:
    with time_machine.travel(datetime(2026, 3, 4, 12, tzinfo=UTC), tick=False):
        assert len({new_id() for _ in range(1_000)}) == 1_000


@given(keys, keys)
def test_the_same_form_and_key_name_the_same_submission_and_others_do_not(form: str, key: str) -> None:
    assert submission_id(form, key) == submission_id(form, key)
    assert submission_id(form, key) != submission_id(form, key + "x")
    assert submission_id(form + "x", key) != submission_id(form, key)


def test_without_a_key_each_post_is_its_own() -> None:
    assert submission_id("clinic", None) != submission_id("clinic", None)


@pytest.mark.parametrize(
    ("found", "stored"),
    [
        (submission_id("clinic", "0f3c"), "558a66ef-0c7f-5cb7-ba72-c4afc30a9f41"),
        (acknowledgement_id("s-1"), "b6addfb3-c235-544c-b484-c89e24976461"),
        (step_send_id("e-1", "options"), "579fd014-2fad-5dbe-8779-24d008553621"),
        (alert_id("new_lead", "s-1"), "7e7a604d-09d5-5fcb-848b-5f23cf75044e"),
        (reference("s-1"), "TAC-Z88E-YEEJ"),
    ],
)
def test_derived_ids_never_change(found: str, stored: str) -> None:
    """They are kept in databases, spools and at providers: another formula would send things twice."""
    assert found == stored


def test_ids_of_different_kinds_never_meet() -> None:
    same = {acknowledgement_id("x"), step_send_id("x", "x"), alert_id("x", "x"), submission_id("x", "x")}
    assert len(same) == 4


def test_a_send_has_one_id_per_step_and_enrollment() -> None:
    ids = {step_send_id(enrollment, step) for enrollment in ("e-1", "e-2") for step in ("options", "goodbye")}
    assert len(ids) == 4


@given(keys)
def test_a_reference_can_be_read_out_on_the_phone(submission: str) -> None:
    text = reference(submission)
    assert re.fullmatch(r"TAC-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", text), "no I, L, O or U to mistake"
    assert text == reference(submission)


def test_references_seldom_meet() -> None:
    assert len({reference(str(number)) for number in range(20_000)}) == 20_000


@pytest.mark.parametrize(
    "change",
    [
        str,
        str.upper,
        str.strip,
        lambda text: text[:-1],
        lambda text: text + "\n",
        lambda text: text.replace("-", ""),
        lambda text: f"{{{text}}}",
        lambda text: f"{text}0",
    ],
)
@given(st.uuids())
def test_an_id_is_a_uuid_as_python_prints_it(change: Callable[[str], str], value: UUID) -> None:
    text = change(str(value))
    assert is_id(text) == (text == str(value))
