"""Both languages say the same things; which of them a person reads is decided by one rule."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from tests.browser.every_page import every_page
from worker.content.catalog import read_content_files
from worker.content.load import load_catalog
from worker.domain.language import page_language
from worker.domain.leads import Language
from worker.errors import ContentInvalid
from worker.intake.texts import texts
from worker.settings import TEMPLATES

ENGLISH, SPANISH = texts(Language.ENGLISH), texts(Language.SPANISH)


def places(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text)} - {None}


def tags(text: str) -> list[str]:
    return sorted(re.findall(r"</?[a-z]+", text))


def test_both_languages_have_the_same_texts_in_the_same_order() -> None:
    assert {page: list(said) for page, said in SPANISH.items()} == {page: list(said) for page, said in ENGLISH.items()}


def test_every_text_says_something_and_has_the_same_places_and_links_in_both() -> None:
    for page, said in ENGLISH.items():
        for name, text in said.items():
            other = SPANISH[page][name]
            assert text.strip()
            assert other.strip()
            assert places(text) == places(other), name
            assert tags(text).count("</a") == tags(other).count("</a"), name


def test_no_sentence_of_a_page_in_spanish_is_left_in_english() -> None:
    english = {text for said in ENGLISH.values() for text in said.values() if len(text) > 25}
    for name, html in every_page(Language.SPANISH).items():
        assert '<html lang="es">' in html
        assert [text for text in english if text in html] == [], name


def test_every_page_in_spanish_gives_the_lifelines_own_way_in_spanish() -> None:
    for name, html in every_page(Language.SPANISH).items():
        text = re.sub(r"<[^>]+>", "", html)
        assert "al 988 y oprima 2" in text, name
        assert "AYUDA" in text, name
        assert "https://988lifeline.org/es/" in html, name
        assert "Nadie vigila" in text, name


@pytest.mark.parametrize(
    ("asked", "own", "accepted", "read"),
    [
        ("", None, "", "en"),
        ("es", None, "en-US", "es"),
        ("en", Language.SPANISH, "es", "en"),
        ("", Language.SPANISH, "en-US,en", "es"),
        ("", Language.ENGLISH, "es-MX", "en"),
        ("", None, "es-MX,es;q=0.9,en;q=0.8", "es"),
        ("", None, "en-US,en;q=0.9,es;q=0.8", "en"),
        ("", None, "en;q=0.3,ES;q=0.8", "es"),
        ("", None, "fr-FR,fr", "en"),
        ("", None, "es;q=0", "en"),
        ("", None, "es;q=nonsense,*", "en"),
        ("tlh", None, "", "en"),
    ],
)
def test_what_is_asked_for_goes_before_what_is_known_and_that_before_the_browser(
    asked: str, own: Language | None, accepted: str, read: str
) -> None:
    assert page_language(asked=asked, own=own, accepted=accepted) == read


def test_a_translation_leads_to_the_other_language_and_back() -> None:
    files = read_content_files(TEMPLATES)
    one_way = files["forms.toml"].replace('translation = "clinic"\n', "")

    with pytest.raises(ContentInvalid, match="is no form of the other language"):
        load_catalog({**files, "forms.toml": one_way})
