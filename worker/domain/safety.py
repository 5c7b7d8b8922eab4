"""Crisis language in free text: two tiers, recall first, never a diagnosis and never the only control.

It adds to, and never replaces, the 988 lines that are always shown. Matched text is never kept or logged:
the answer is a tier.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class CrisisTier(StrEnum):
    """`ACUTE` pages a person at once; `REVIEW` holds nurture until someone has looked."""

    ACUTE = "acute"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class PatternFamily:
    """Patterns of one kind, and a quick look at which of them are worth trying."""

    patterns: tuple[re.Pattern[str], ...]
    candidates: Callable[[str], Sequence[int]]
    """Of a normalised text, the numbers of the patterns that may occur in it, ascending; the others surely don't."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrisisPatterns:
    """The compiled patterns of `safety.toml`. `benign` figures of speech are taken out first."""

    acute: PatternFamily
    review: PatternFamily
    benign: PatternFamily
    may_occur: Callable[[str], bool] = lambda _: True
    """Whether any pattern of the three families may occur in a normalised text. In most texts none does."""


_LOOK_ALIKES = str.maketrans("01345$@|аеорсухіѕјһԁӏ", "oieassaiaeopcyxisjhdl")
_MASKS = "!*"
_MASKED_LETTER = re.compile(rf"(?<=[a-z])[{_MASKS}](?=[a-z])")  # k!ll, su*cide
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff'’‘`´ʼ]")
_NOT_A_LETTER = re.compile(r"[^a-z0-9]+")
_SPELLED_OUT = re.compile(r"\b(?:[a-z] ){2,}[a-z]\b")


def _fold(letters: str) -> str:
    return letters.casefold().translate(_LOOK_ALIKES)


def _folded_ascii(character: str) -> str:
    folded = _fold(_INVISIBLE.sub("", character))
    return folded if folded in _MASKS else _NOT_A_LETTER.sub(" ", folded)


_ASCII = {code: _folded_ascii(chr(code)) for code in range(128)}
"""What becomes of each character alone, so that plain text takes one step; masks are left for the next one."""


def normalise(text: str) -> str:
    """Plain lower-case words: no accents, apostrophes, invisible or look-alike characters, no s p a c i n g."""
    folded = text.translate(_ASCII) if text.isascii() else _fold(_without_accents(_INVISIBLE.sub("", text)))
    if not text.isascii() or any(mask in folded for mask in _MASKS):
        folded = _NOT_A_LETTER.sub(" ", _MASKED_LETTER.sub("i", folded))
    return _SPELLED_OUT.sub(lambda match: match.group().replace(" ", ""), " ".join(folded.split()))


def screen(texts: Iterable[str], patterns: CrisisPatterns) -> CrisisTier | None:
    """The most urgent tier that any of the texts reaches."""
    suspects = [text for text in map(normalise, texts) if patterns.may_occur(text)]
    normalised = [_without(text, patterns.benign) for text in suspects]
    for tier, family in ((CrisisTier.ACUTE, patterns.acute), (CrisisTier.REVIEW, patterns.review)):
        if any(family.patterns[number].search(text) for text in normalised for number in family.candidates(text)):
            return tier
    return None


def _without_accents(text: str) -> str:
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text))
    return "".join(character for character in plain if not unicodedata.combining(character))


def _without(text: str, benign: PatternFamily) -> str:
    """The text without these, each taken out in its turn. What is left is another text, with candidates of its own."""
    number = -1
    while (number := next((each for each in benign.candidates(text) if each > number), -1)) >= 0:
        text = benign.patterns[number].sub(" ", text)
    return text
