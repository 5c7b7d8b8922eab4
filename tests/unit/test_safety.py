"""Crisis language: a corpus of made-up sentences, what must be found in it, and what must not be an alarm."""

from __future__ import annotations

import runpy
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.shipped import catalog
from worker.domain.safety import CrisisTier, normalise, screen
from worker.settings import ROOT

CORPUS: dict[str, list[str]] = tomllib.loads((Path(__file__).parent / "crisis_corpus.toml").read_text(encoding="utf-8"))

# The least that may be found, and the most that may be a false alarm. Raise them when patterns get better;
# never lower them without the clinician who owns safety.toml.
# A few acute ones hold no telling word at all ("My pills are lined up on the counter"): nobody finds all.
FLOORS = {"acute": 0.96, "review": 1.0, "spanish": 1.0, "disguised": 1.0}
FALSE_ALARMS_AT_MOST = 0.04


def tier_of(text: str) -> CrisisTier | None:
    return screen([text], catalog().crisis)


@pytest.mark.parametrize("family", FLOORS)
def test_what_a_person_in_danger_writes_is_found(family: str) -> None:
    missed = [text for text in CORPUS[family] if tier_of(text) is None]
    recall = 1 - len(missed) / len(CORPUS[family])
    assert recall >= FLOORS[family], f"{recall:.0%} found; missed: {missed}"


def test_what_is_said_plainly_pages_a_person_at_once() -> None:
    """An acute sentence that only waits for a routine look would be answered a day late."""
    not_acute = [text for text in CORPUS["acute"] if tier_of(text) is not CrisisTier.ACUTE]
    assert len(not_acute) <= 0.08 * len(CORPUS["acute"]), not_acute


def test_history_and_others_wait_for_a_person_mostly_without_an_alarm() -> None:
    """An alarm for every past attempt would teach staff to ignore alarms."""
    acute = [text for text in CORPUS["review"] if tier_of(text) is CrisisTier.ACUTE]
    assert len(acute) <= 0.35 * len(CORPUS["review"]), acute


@pytest.mark.parametrize("family", ["benign", "figures"])
def test_ordinary_messages_and_figures_of_speech_are_no_alarm(family: str) -> None:
    alarms = [text for text in CORPUS[family] if tier_of(text) is not None]
    assert len(alarms) <= FALSE_ALARMS_AT_MOST * len(CORPUS[family]), alarms


def test_of_what_nobody_tuned_on_no_ordinary_message_pages_anyone_at_night() -> None:
    unseen = tomllib.loads((Path(__file__).parent / "crisis_heldout.toml").read_text(encoding="utf-8"))
    assert [text for family in ("benign", "figures") for text in unseen[family] if tier_of(text) == "acute"] == []
    assert not {text for family in unseen.values() for text in family} & {
        text for family in CORPUS.values() for text in family
    }, "a sentence that the patterns were improved on tells nothing any more"


def test_the_page_for_clinicians_shows_what_the_patterns_really_do() -> None:
    generate = runpy.run_path(str(ROOT / "docs" / "generate_safety_page.py"))
    page = (ROOT / "docs" / "safety.md").read_text(encoding="utf-8")

    assert page == generate["render"](page), "run: .venv/bin/python docs/generate_safety_page.py"


def test_ordinary_messages_never_page_anyone_at_night() -> None:
    acute = [text for text in CORPUS["benign"] if tier_of(text) is CrisisTier.ACUTE]
    assert len(acute) <= 0.04 * len(CORPUS["benign"]), acute


def test_the_corpus_is_large_and_says_each_thing_once() -> None:
    every = [text for family in CORPUS.values() for text in family]
    assert len(every) == len(set(every)) >= 300


def test_the_shipped_personas_write_ordinary_messages() -> None:
    for persona in catalog().personas.values():
        assert tier_of(persona.message) is None, persona.id


@pytest.mark.parametrize(
    "around", ["{}", "Hello. {} Please call.", "hi {}", "{} thanks", "\n\n{}\n\n-- \nsent by phone"]
)
@pytest.mark.parametrize("text", ["I want to die", "I am suicidal", "no quiero vivir"])
def test_crisis_language_is_found_wherever_it_stands_in_a_message(text: str, around: str) -> None:
    assert tier_of(around.format(text)) is not None


def test_the_most_urgent_of_several_texts_decides() -> None:
    crisis = catalog().crisis
    assert screen(["My last attempt was in 2015", "I want to die"], crisis) is CrisisTier.ACUTE
    assert screen(["How long is a session?", "My last attempt was in 2015"], crisis) is CrisisTier.REVIEW
    assert screen(["How long is a session?"], crisis) is None
    assert screen([], crisis) is None
    assert screen([""], crisis) is None


def test_a_figure_of_speech_never_hides_what_stands_beside_it() -> None:
    assert tier_of("The pain is killing me and I want to die") is CrisisTier.ACUTE
    assert tier_of("I'm dying to know if you can help, I am suicidal") is not None
    assert tier_of("dead tired. I don't want to live anymore") is CrisisTier.ACUTE


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("I DON'T", "i dont"),
        ("I don’t", "i dont"),
        ("café\u0301", "cafe"),
        ("su1c1de", "suicide"),
        ("s u i c i d e", "suicide"),
        ("s.u.i.c.i.d.e!", "suicide"),
        ("I don´t", "i dont"),
        ("suіcide", "suicide"),
        ("su*cide", "suicide"),
        ("k!ll", "kill"),
        ("zero\u200bwidth", "zerowidth"),
        ("soft\u00adhyphen", "softhyphen"),
        ("ｆｕｌｌ", "full"),
        ("  two   words ", "two words"),
        ("a b", "a b"),
        ("", ""),
        ("…", ""),
    ],
)
def test_text_is_brought_to_plain_words(text: str, plain: str) -> None:
    assert normalise(text) == plain


@given(st.text(st.sampled_from("ab z'`!*.013458$@|#\n\x00AZ"), max_size=30))
def test_plain_text_comes_to_the_same_words_beside_other_text(text: str) -> None:
    """It takes one step instead of five."""
    assert normalise(f"{text} ñnn") == f"{normalise(text)} nnn".strip()


@given(st.text(max_size=200))
def test_no_text_is_too_odd_to_screen(text: str) -> None:
    plain = normalise(text)
    assert set(plain) <= set("abcdefghijklmnopqrstuvwxyz0123456789 ")
    assert plain == plain.strip()
    screen([text], catalog().crisis)


@given(st.text(max_size=100), st.sampled_from(CORPUS["acute"]), st.text(max_size=100))
def test_what_was_found_is_found_inside_any_other_text(before: str, sentence: str, after: str) -> None:
    """Full stops and line breaks around it, as people write; other words must not hide it."""
    if tier_of(sentence) is not None:
        assert tier_of(f"{before} zzz.\n{sentence}\nzzz. {after}") is not None


@pytest.mark.parametrize(
    "text", ["a " * 4_000, "i want " * 2_000, "suicid" * 2_000, "x" * 10_000, "dont want to " * 1_000]
)
def test_a_long_message_takes_no_long_time(text: str) -> None:
    """Intake screens while a person waits; one that backtracks fails by the time limit of tests."""
    for _ in range(5):
        tier_of(text)
