"""Who writes to the clinic, where they belong and what they asked about: the closed vocabularies.

Location, condition and sequence ids stay in clear beside a sealed identity, for routing and reports.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum


class Location(StrEnum):
    """Where a lead is looked after."""

    CARBONDALE = "carbondale"
    ALBANY = "albany"
    UNDECIDED = "undecided"
    OUT_OF_AREA = "out_of_area"


CLINICS = (Location.CARBONDALE, Location.ALBANY)
"""The two locations that are places."""


class Condition(StrEnum):
    """What a lead asked about. Health data once it stands beside a name."""

    TREATMENT_RESISTANT_DEPRESSION = "treatment_resistant_depression"
    DEPRESSION = "depression"
    PTSD = "ptsd"
    SOCIAL_ANXIETY = "social_anxiety"
    ANXIETY = "anxiety"
    CRPS = "crps"
    FIBROMYALGIA = "fibromyalgia"
    NEUROPATHIC_PAIN = "neuropathic_pain"
    CHRONIC_PAIN = "chronic_pain"
    OTHER = "other"
    NOT_SAID = "not_said"


class Treatment(StrEnum):
    """A service that a location may offer, and that a lead may ask about."""

    IV_KETAMINE = "iv_ketamine"
    SPRAVATO = "spravato"
    TMS = "tms"


STAFF_HOLD = "staff"
"""The hold of a lead that a member of staff asked for; every other one says what a form was held for."""

_NAME_MAX = 40
_NAME_MAX_WORDS = 3
_NOT_A_NAME = re.compile(r"[<>{}\[\]()|\\/@#$%^*_=+~`\"&;:!?,\d]|\.\w|https?|www", re.IGNORECASE)


def greeting_name(first_name: str | None) -> str | None:
    """The first name as it may stand in a greeting, or None where what was typed is hardly a name.

    Forms are open to everyone: a "name" may be a link, a template or a sentence meant for the recipient.
    """
    if not first_name:
        return None
    name = " ".join(unicodedata.normalize("NFC", first_name).split())
    kinds = {"L"} if name.isalpha() else {unicodedata.category(character)[0] for character in name}
    if "L" not in kinds or kinds & {"C", "S"} or _NOT_A_NAME.search(name):
        return None
    if len(name) > _NAME_MAX or len(name.split()) > _NAME_MAX_WORDS or unicodedata.category(name[0])[0] != "L":
        return None
    return name[0].upper() + name[1:]


class Language(StrEnum):
    """What a form or an email is written in."""

    ENGLISH = "en"
    SPANISH = "es"


_HELLO = {Language.ENGLISH: "Hello", Language.SPANISH: "Hola"}


def greeting(first_name: str | None, language: Language = Language.ENGLISH) -> str:
    """The opening words of an email: `Hello Maya,`, or `Hello,` without a usable name."""
    name = greeting_name(first_name)
    return f"{_HELLO[language]} {name}," if name else f"{_HELLO[language]},"
