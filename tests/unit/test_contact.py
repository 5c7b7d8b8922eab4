"""One spelling of addresses and numbers: what is plain is understood at once, as the libraries would have it."""

from __future__ import annotations

import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from worker.errors import UnusableContact
from worker.usecases.arrival.contact import normal_email, normal_phone

WORDS = st.text("abyzABYZ019", min_size=1, max_size=70)
ENDS = st.sampled_from(["com", "ORG", "us", "gov", "test", "local", "invalid", "c0m", "co.uk", "xn--p1ai"])


@st.composite
def addresses(draw: st.DrawFn) -> str:
    """Plain ones, and what is nearly one."""
    parts = draw(st.lists(WORDS, min_size=2, max_size=5))
    marks = draw(st.lists(st.sampled_from([".", "-", "+", "_", "@", "--", "..", " ", "'", "K", "ſ"]), min_size=5))
    text = "".join(part + mark for part, mark in zip(parts, marks, strict=False))
    return f"{text[:-1]}@{draw(WORDS)}.{draw(ENDS)}" if draw(st.booleans()) else f"{text}{draw(WORDS)}.{draw(ENDS)}"


def by_library(text: str) -> str | None:
    try:
        checked = validate_email("".join(text.split()), check_deliverability=False, test_environment=False)
    except EmailNotValidError:
        return None
    return checked.ascii_email and checked.ascii_email.lower()


def as_understood(text: str) -> str | None:
    try:
        return normal_email(text)
    except UnusableContact:
        return None


@given(addresses())
@example("Maya.Park+news@Mail.Example.COM")
@example(" maya @example.com")
@example("maya@localhost.com")
@example(f"{'a' * 65}@example.com")
@example(f"maya@{'a' * 64}.com")
@example("maya@example.com\n")
@example("\u212aate@example.com")  # the sign of Kelvin, whose lower case is a k
def test_an_address_is_what_the_library_says(text: str) -> None:
    assert as_understood(text) == by_library(text)


def number_by_library(text: str) -> str | None:
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@given(st.from_regex(r"\(?[0-9]{3}\)?[-. x+]?[0-9]{3}[-. ]{0,2}[0-9]{4}( ?x?[0-9]{1,3})?", fullmatch=True))
@example("618-555-0123")
@example("(618) 555-0123")
@example("911-555-0123")
@example("618.555.0123\n")
def test_a_number_is_what_the_library_says(text: str) -> None:
    assert normal_phone(text) == number_by_library(text)


@pytest.mark.parametrize("text", ["618-555-0123", "(618) 555-0123", "6185550123", "618.555.0123", "+1 618 555 0123"])
def test_a_number_has_one_spelling(text: str) -> None:
    assert normal_phone(text) == "+16185550123"
