"""One spelling of an address and of a number, wherever they come from: a form, a command, a correction.

People are found and suppressed by a keyed hash of it, so two spellings of one mailbox must not differ here.
"""

from __future__ import annotations

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from worker.errors import UnusableContact


def normal_email(text: str) -> str:
    """Lower case, ASCII domain; a plus tag is another address. No network. Raises UnusableContact.

    Other local parts are refused since Python can't write to them correctly.
    """
    try:
        checked = validate_email("".join(text.split()), check_deliverability=False, test_environment=False)
    except EmailNotValidError:
        raise UnusableContact("email.syntax", "Please enter an email address like name@example.com.") from None
    if checked.ascii_email is None:
        detail = "We can't write to this address. Please give another, or a phone number."
        raise UnusableContact("email.not_ascii", detail)
    return checked.ascii_email.lower()


def normal_phone(text: str) -> str | None:
    """E.164; None for a number that can't be one."""
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
