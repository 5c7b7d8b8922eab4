"""Every public page, for the tests that must hold on each of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache

from worker.content.catalog import read_content_files
from worker.content.load import load_catalog
from worker.domain.clinic import Clinic
from worker.domain.forms import Form
from worker.domain.leads import Language, Location
from worker.errors import FieldError
from worker.intake import pages
from worker.intake.problems import in_language, words_of
from worker.settings import TEMPLATES

TYPED = {
    "first_name": ["Maya"],
    "last_name": ["Example"],
    "email": ["maya@"],
    "phone": ["555"],
    "zip": ["62901"],
    "location": [""],
    "condition": ["ptsd", "fibromyalgia"],
    "treatment": ["tms"],
    "preferred_contact": ["phone"],
    "message": ["\nFirst line\nsecond line"],
    "consent_email": ["yes"],
}
ERRORS = [
    FieldError(pointer="/email", code="email.syntax", detail=""),
    FieldError(pointer="/phone", code="phone.too_short", detail=""),
    FieldError(pointer="/location", code="text.too_long", detail=""),
    FieldError(pointer="/form", code="form.unknown", detail=""),
    FieldError(pointer="", code="too-many", detail=""),
]
HOSTILE = "</title></textarea>\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}&lt;"


@cache
def shipped(language: Language = Language.ENGLISH) -> tuple[Clinic, Form]:
    catalog = load_catalog(read_content_files(TEMPLATES))
    return catalog.clinic, catalog.forms["clinica" if language is Language.SPANISH else "clinic"]


def every_page(language: Language = Language.ENGLISH) -> dict[str, str]:
    """As people meet them."""
    clinic, form = shipped(language)
    nonce, token = "0123456789abcdef", "0123456789abcdef.1700000000.c2lnbmVk"
    albany = clinic.places[Location.ALBANY]
    ours, theirs = words_of("failed", language), words_of("too-long", language)
    return {
        "form": pages.form_page(form, clinic, values={}, errors=[], nonce=nonce, token=token),
        "form-errors": pages.form_page(
            form, clinic, values=TYPED, errors=in_language(ERRORS, language), nonce=nonce, token=token
        ),
        "thanks": pages.thanks_page(clinic, language, reference="TAC-7Q4F-2K", crisis=False),
        "thanks-crisis": pages.thanks_page(clinic, language, reference="TAC-7Q4F-2K", crisis=True),
        "problem": pages.problem_page(clinic, language, title=ours[0], detail=ours[1], status=500),
        "too-much": pages.problem_page(clinic, language, title=theirs[0], detail=theirs[1], status=413),
        "unsubscribe": pages.unsubscribe_page(clinic, language, token="abc", done=False),
        "unsubscribed": pages.unsubscribe_page(clinic, language, token="abc", done=True),
        "paused": pages.preference_page(clinic, language, until=date(2026, 4, 1)),
        "series-ended": pages.preference_page(clinic, language, until=None),
        "choose": pages.choose_page(clinic, language, token="abc", chosen=None),
        "chosen": pages.choose_page(clinic, language, token="abc", chosen=albany),
        "not-found": pages.not_found_page(clinic, language),
    }


def every_hostile_page() -> dict[str, str]:
    """With HTML and template code wherever a text comes in."""
    clinic, form = shipped()
    places = {
        location: replace(place, city=HOSTILE, state=HOSTILE, address=HOSTILE, phone=HOSTILE, hours=HOSTILE)
        for location, place in clinic.places.items()
    }
    clinic = replace(clinic, brand=HOSTILE, website=HOSTILE, places=places)
    form = replace(form, key=HOSTILE, name=HOSTILE, consent_wording=HOSTILE)
    values = {name: [HOSTILE] for name in TYPED}
    errors = [FieldError(pointer=pointer, code=HOSTILE, detail=HOSTILE) for pointer in ("/email", "", HOSTILE)]
    return {
        "form": pages.form_page(form, clinic, values=values, errors=errors, nonce=HOSTILE, token=HOSTILE),
        "thanks": pages.thanks_page(clinic, reference=HOSTILE, crisis=False),
        "thanks-crisis": pages.thanks_page(clinic, reference=HOSTILE, crisis=True),
        "problem": pages.problem_page(clinic, title=HOSTILE, detail=HOSTILE, status=503),
        "unsubscribe": pages.unsubscribe_page(clinic, token=HOSTILE, done=False),
        "unsubscribed": pages.unsubscribe_page(clinic, token=HOSTILE, done=True),
        "choose": pages.choose_page(clinic, token=HOSTILE, chosen=None),
        "chosen": pages.choose_page(clinic, token=HOSTILE, chosen=clinic.places[Location.ALBANY]),
        "not-found": pages.not_found_page(clinic),
    }


PAGES = tuple(every_page())
IN_SPANISH = tuple(f"es-{name}" for name in ("form", "form-errors", "thanks", "thanks-crisis", "unsubscribe", "choose"))
"""Those with parts of their own, for what takes a browser."""


def served() -> dict[str, str]:
    """Every page by the name under which the tests' server has it."""
    spanish = every_page(Language.SPANISH)
    return every_page() | {f"es-{name}": html for name, html in spanish.items()}
