"""A submission: kept word for word through the spool, whatever version wrote it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.ids import SubmissionId
from worker.domain.safety import CrisisTier
from worker.domain.submissions import KNOWN_FIELDS, Submission, is_true

AT = datetime(2026, 3, 4, 12, 0, 0, 123456, tzinfo=UTC)
texts = st.text(max_size=40)
submissions = st.builds(
    Submission,
    id=texts.map(SubmissionId),
    reference=texts,
    received_at=st.integers(0, 10**8).map(lambda seconds: AT + timedelta(seconds=seconds)),
    form=texts,
    fields=st.dictionaries(texts, st.lists(texts, max_size=3).map(tuple), max_size=5),
    email=st.none() | texts,
    phone=st.none() | texts,
    consent_email=st.booleans(),
    wording_version=texts,
    flags=st.lists(texts, max_size=3).map(tuple),
    suspicions=st.lists(texts, max_size=3).map(tuple),
    crisis=st.none() | st.sampled_from(CrisisTier),
)

# What the first release wrote: every later one must read it, since it may lie in a spool over an upgrade.
STORED: dict[str, Any] = {
    "version": 1,
    "id": "5d6c1c1e-5b1a-5c7e-9a55-000000000001",
    "reference": "TAC-7Q4F-K2MD",
    "received_at": "2026-03-04T12:00:00.123456+00:00",
    "form": "clinic",
    "fields": {"email": [" Maya@Example.com "], "condition": ["ptsd", "depression"], "message": ["", "Hello\r\nthere"]},
    "email": "maya@example.com",
    "phone": None,
    "consent_email": True,
    "wording_version": "2026-11-01",
    "flags": ["phone.odd"],
    "suspicions": [],
    "crisis": "review",
}


@given(submissions)
def test_a_submission_comes_back_as_it_went_in(submission: Submission) -> None:
    assert Submission.from_json(json.loads(json.dumps(submission.to_json()))) == submission


def test_what_the_first_release_wrote_is_read_word_for_word() -> None:
    submission = Submission.from_json(STORED)
    assert submission.to_json() == STORED
    assert submission.received_at == AT
    assert submission.crisis is CrisisTier.REVIEW
    assert submission.fields["condition"] == ("ptsd", "depression")


def test_what_a_newer_release_adds_is_passed_over() -> None:
    newer = STORED | {"version": 2, "country": "US"}
    assert Submission.from_json(newer) == Submission.from_json(STORED)


@pytest.mark.parametrize(
    "missing", ["email", "phone", "consent_email", "wording_version", "flags", "suspicions", "crisis"]
)
def test_what_may_be_missing_is_read_as_nothing_said(missing: str) -> None:
    older = {key: value for key, value in STORED.items() if key != missing}
    assert not getattr(Submission.from_json(older), missing)


@pytest.mark.parametrize("missing", ["id", "reference", "received_at", "form", "fields"])
def test_what_must_be_there_is_an_error_so_that_it_is_parked(missing: str) -> None:
    with pytest.raises(KeyError):
        Submission.from_json({key: value for key, value in STORED.items() if key != missing})


@pytest.mark.parametrize(
    ("name", "value"),
    [("email", "Maya@Example.com"), ("condition", "ptsd"), ("message", "Hello\r\nthere"), ("zip", None), ("", None)],
)
def test_the_first_value_of_a_field_is_the_first_that_is_not_blank(name: str, value: str | None) -> None:
    assert Submission.from_json(STORED).first(name) == value


def test_a_field_of_blanks_is_a_blank() -> None:
    assert Submission.from_json(STORED | {"fields": {"zip": [" ", "\t"], "state": []}}).first("zip") is None


@pytest.mark.parametrize("text", ["true", "on", "yes", "1", " YES ", "True", "On"])
def test_a_form_says_yes_in_these_words(text: str) -> None:
    assert is_true(text)


@pytest.mark.parametrize("text", [None, "", "0", "no", "off", "false", "yes please", "2", "11", "y", "checked"])
def test_everything_else_is_no_consent(text: str | None) -> None:
    assert not is_true(text)


def test_the_public_fields_are_those_of_the_contract() -> None:
    contract = (
        "email phone first_name last_name location zip state condition treatment message preferred_contact "
        "consent_email form page_url"
    )
    assert set(contract.split()) == KNOWN_FIELDS
