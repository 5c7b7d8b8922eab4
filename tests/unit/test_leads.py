"""Greetings: a form is open to everyone, so what it calls a first name may be anything."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.leads import greeting, greeting_name


@pytest.mark.parametrize(
    ("typed", "greeted"),
    [
        ("Maya", "Hello Maya,"),
        ("maya", "Hello Maya,"),
        ("  maya  ", "Hello Maya,"),
        ("Mary Ann", "Hello Mary Ann,"),
        ("María del Carmen", "Hello María del Carmen,"),
        ("Mary\tAnn\n", "Hello Mary Ann,"),
        ("O'Brien", "Hello O'Brien,"),
        ("O’Brien", "Hello O’Brien,"),
        ("Jean-Luc", "Hello Jean-Luc,"),
        ("Zoë", "Hello Zoë,"),
        ("Zoe\u0308", "Hello Zoë,"),  # the accent as a character of its own
        ("Éloïse", "Hello Éloïse,"),
        ("éloïse", "Hello Éloïse,"),
        ("Łukasz", "Hello Łukasz,"),
        ("Nguyễn", "Hello Nguyễn,"),
        ("李", "Hello 李,"),
        ("Мария", "Hello Мария,"),
        ("مريم", "Hello مريم,"),
        ("Ng", "Hello Ng,"),
        ("J", "Hello J,"),
        ("Dr. Maya", "Hello Dr. Maya,"),
        ("x" * 40, f"Hello X{'x' * 39},"),
    ],
)
def test_a_name_is_greeted_as_it_is_written(typed: str, greeted: str) -> None:
    assert greeting(typed) == greeted


@pytest.mark.parametrize(
    "typed",
    [
        None,
        "",
        "   ",
        "\n",
        "x" * 41,
        "Maximiliana-Alexandrina Wilhelmina Theodora",
        # code
        "<b>Sam</b> {{7*7}}",
        "{{ config }}",
        "{% raw %}",
        "${jndi}",
        "<script>",
        "Sam](https",
        "[click](x)",
        "*bold*",
        "_it_",
        "`code`",
        "# Title",
        "Sam|x",
        "a\\b",
        '"Sam"',
        "Sam;",
        "&lt;",
        # links and addresses
        "http://example.com",
        "www.example.com",
        "example.com",
        "sam@example.com",
        "WWW example",
        "call 555",
        # what can't be seen, or turns text around
        "Sam\u202eevil",
        "Sam\u200b",
        "Sam\x00",
        "Sam\x07",
        "\ufeffSam",
        # no letter in it
        "--",
        ".",
        "…",
        "'",
        "\u0301",
        "😀",
        "❤ ❤",
        # a sentence, which would be read as the clinic's own words
        "Your test result is positive",
        "Click here now please friend",
        "Hello, you won",
        "You won! Call now",
        "Is this real?",
    ],
)
def test_what_is_hardly_a_name_is_not_repeated(typed: str | None) -> None:
    assert greeting(typed) == "Hello,"


@given(st.text(max_size=60))
def test_a_greeting_is_one_short_line_without_code(typed: str) -> None:
    line = greeting(typed)
    assert line == "Hello," or line.startswith("Hello ")
    assert line.endswith(",")
    assert len(line) <= len("Hello ,") + 41
    assert line == " ".join(line.split())
    assert not set(line) & set('<>{}[]()|\\/@#$%^*_=+~`"&;:!?0123456789')
    assert all(unicodedata.category(character)[0] != "C" for character in line)


@given(st.text(max_size=60))
def test_a_greeted_name_has_a_letter(typed: str) -> None:
    name = greeting_name(typed)
    assert name is None or any(character.isalpha() for character in name)


@given(st.text(max_size=60))
def test_a_name_that_was_greeted_once_is_greeted_the_same_again(typed: str) -> None:
    name = greeting_name(typed)
    assert name is None or greeting_name(name) in (name, None)
