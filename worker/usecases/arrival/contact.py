"""One spelling of an address and of a number, wherever they come from: a form, a command, a correction.

People are found and suppressed by a keyed hash of it, so two spellings of one mailbox must not differ here.
"""

from __future__ import annotations

import re

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from worker.errors import UnusableContact

_PLAIN_EMAIL = re.compile(
    r"(?=.{1,64}\Z)[a-z0-9]+(?:[._+-][a-z0-9]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+(?:com|edu|gov|net|org|us)",
    re.ASCII | re.IGNORECASE,
)
"""What nearly everybody writes: good as it stands, in lower case. The library is ten times slower to say so."""

_PLAIN_PHONE = re.compile(r"\(?([2-9][0-9]{2})\)?[-. ]?([0-9]{3})[-. ]?([0-9]{4})")
"""The same for a number: the ten digits of the plan that the US are in."""


def normal_email(text: str) -> str:
    """Lower case, ASCII domain; a plus tag is another address. No network. Raises UnusableContact.

    Other local parts are refused since Python can't write to them correctly.
    """
    compact = "".join(text.split())
    if _PLAIN_EMAIL.fullmatch(compact):
        return compact.lower()
    try:
        checked = validate_email(compact, check_deliverability=False, test_environment=False)
    except EmailNotValidError:
        raise UnusableContact("email.syntax", "Please enter an email address like name@example.com.") from None
    if checked.ascii_email is None:
        detail = "We can't write to this address. Please give another, or a phone number."
        raise UnusableContact("email.not_ascii", detail)
    return checked.ascii_email.lower()


def normal_phone(text: str) -> str | None:
    """E.164; None for a number that can't be one."""
    if plain := _PLAIN_PHONE.fullmatch(text):
        return "+1" + "".join(plain.groups())
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
