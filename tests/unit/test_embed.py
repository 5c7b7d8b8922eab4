"""The embedded form's script: small, whole for every form, and with its own words in two languages."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.shipped import catalog
from worker.domain.forms import Form
from worker.domain.leads import Language
from worker.intake.captcha import SCRIPT
from worker.intake.embed.script import embed_script
from worker.intake.texts import texts

SITE_KEY = "0x4AAAAAAADnPIDROrmt1Wwj"
CLINIC = catalog().forms["clinic"]


def script_of(form: Form) -> str:
    return embed_script(form, catalog().clinic, SITE_KEY if form.captcha else "")


def settings_of(script: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(script.rstrip().rpartition("})(")[2].removesuffix(");"))
    return found


@pytest.mark.parametrize("captcha", [False, True])
@pytest.mark.parametrize("language", list(Language))
def test_the_script_is_under_5_kb(language: Language, captcha: bool) -> None:
    form = replace(CLINIC, language=language, captcha=captcha, thank_you="https://practice.example.com/thank-you")

    assert len(script_of(form).encode()) < 5000


@pytest.mark.parametrize("language", list(Language))
def test_its_form_shows_the_registered_wording_and_988_and_nothing_is_ticked(language: Language) -> None:
    settings = settings_of(script_of(replace(CLINIC, language=language)))

    assert CLINIC.consent_wording in settings["html"]
    assert "988" in settings["html"]
    assert "href=tel:988" in settings["crisis"]
    assert "checked" not in settings["html"]
    assert texts(language)["embed"]["later"] == settings["later"]


def test_what_a_form_says_cannot_become_markup_or_code() -> None:
    odd = replace(CLINIC, consent_wording='"><script>alert(1)</script>', thank_you='https://example.com/"});alert(1);')

    settings = settings_of(script_of(odd))

    assert "<script>" not in settings["html"]
    assert settings["next"] == odd.thank_you


def test_the_script_keeps_nothing_and_asks_nobody_else() -> None:
    program = script_of(CLINIC)

    assert not re.search(r"cookie|localStorage|sessionStorage|indexedDB|sendBeacon|eval\(|import\(", program)
    assert addresses(program) == {"https://988lifeline.org"}


def test_a_form_with_a_captcha_asks_its_vendor_for_one_script_and_nobody_else() -> None:
    program = script_of(replace(CLINIC, captcha=True))

    assert settings_of(program)["captcha"] == SITE_KEY
    assert addresses(program) == {"https://988lifeline.org", SCRIPT}


def addresses(program: str) -> set[str]:
    return set(re.findall(r"https?://[^\"'\\>]+", program))


def test_in_a_crisis_both_ways_to_988_lead_to_where_people_answer_in_spanish() -> None:
    spanish = settings_of(script_of(replace(CLINIC, language=Language.SPANISH)))

    assert "href=sms:988?body=AYUDA>" in spanish["crisis"]
    assert "href=https://988lifeline.org/es/>" in spanish["crisis"]
