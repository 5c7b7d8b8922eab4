"""The quick look at crisis patterns: it leaves out only what surely does not occur, so that no answer changes."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import chain

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.shipped import catalog
from tests.unit.test_safety import CORPUS
from worker.content.load_safety import Candidates
from worker.domain.safety import CrisisPatterns, PatternFamily, normalise, screen

SENTENCES = list(chain.from_iterable(CORPUS.values()))
FAMILIES = ("acute", "review", "benign")
WORDS = sorted({word for sentence in SENTENCES for word in normalise(sentence).split()})
IN_PATTERNS = sorted(
    {
        word
        for name in FAMILIES
        for pattern in getattr(catalog().crisis, name).patterns
        for word in re.findall(r"[a-z]+", pattern.pattern.replace(r"\b", " ").replace(r"\w", " "))
    }
)


def tried_one_by_one(crisis: CrisisPatterns) -> CrisisPatterns:
    """The same patterns without the quick look."""

    def plain(family: PatternFamily) -> PatternFamily:
        return replace(family, candidates=lambda _: range(len(family.patterns)))

    return CrisisPatterns(acute=plain(crisis.acute), review=plain(crisis.review), benign=plain(crisis.benign))


PLAIN = tried_one_by_one(catalog().crisis)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_pattern_that_occurs_in_a_sentence_is_tried(name: str) -> None:
    family: PatternFamily = getattr(catalog().crisis, name)
    for sentence in map(normalise, SENTENCES):
        occurring = {number for number, pattern in enumerate(family.patterns) if pattern.search(sentence)}
        assert occurring <= set(family.candidates(sentence)), sentence
        assert not occurring or catalog().crisis.may_occur(sentence), sentence


def test_the_quick_look_leaves_out_nearly_all_of_them() -> None:
    """Else it gains nothing: a pattern that RE2 can't read is tried on every text."""
    assert [list(getattr(catalog().crisis, name).candidates("how long is a session")) for name in FAMILIES] == [[]] * 3
    assert not catalog().crisis.may_occur("how long is a session")


@pytest.mark.parametrize("family", sorted(CORPUS))
def test_each_sentence_gets_the_answer_that_trying_every_pattern_gives(family: str) -> None:
    for sentence in CORPUS[family]:
        assert screen([sentence], catalog().crisis) is screen([sentence], PLAIN), sentence


@settings(max_examples=60)
@given(
    st.lists(st.one_of(st.sampled_from(WORDS), st.sampled_from(IN_PATTERNS), st.text(max_size=3)), max_size=12),
    st.sampled_from(SENTENCES),
    st.sampled_from(["", " ", ". ", "\n", "'"]),
)
def test_any_text_gets_the_answer_that_trying_every_pattern_gives(words: list[str], sentence: str, gap: str) -> None:
    text = f"{' '.join(words)}{gap}{sentence}"
    assert screen([text], catalog().crisis) is screen([text], PLAIN)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"\bdie\b(?! by)", "die now"),
        (r"die(?! (?:by|of (?:shame|heat)))", "die now"),
        (r"(?=die)d", "die"),
        (r"(?<=a) b", "a b"),
        (r"(a)\1", "aa"),
        (r"a{,2}b", "aab"),
        (r"a(?!c){2}b", "ab"),
        (r"(?i)DIE", "die"),
        (r"(?:a++)b", "aab"),
        (r"a$", "b a"),
        (r"(?:a{500}){3}", "a" * 1500),
        ("año|die", "die"),
    ],
)
def test_what_re2_reads_otherwise_or_not_at_all_is_tried(pattern: str, text: str) -> None:
    assert re.compile(pattern).search(text)
    assert 0 in Candidates([pattern])(text)


def test_where_the_quick_look_gives_up_every_pattern_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """RE2 says nothing of a text for which its memory does not do."""

    class TooLittle(re2.Options):
        def __init__(self) -> None:
            super().__init__()
            self.max_mem = 20_000

    monkeypatch.setattr(re2, "Options", TooLittle)
    patterns = [rf"(?:w{number}\w* ){{1,9}}end" for number in range(9)]
    family = Candidates(patterns)

    assert list(family("w3 end")) == list(range(9))
