"""Crisis language in free text: two tiers, recall first, never a diagnosis and never the only control.

It adds to, and never replaces, the 988 lines that are always shown. Matched text is never kept or logged:
the answer is a tier.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class CrisisTier(StrEnum):
    """`ACUTE` pages a person at once; `REVIEW` holds nurture until someone has looked."""

    ACUTE = "acute"
    REVIEW = "review"


@dataclass(frozen=True, slots=True, kw_only=True)
class CrisisPatterns:
    """The compiled patterns of `safety.toml`. `benign` figures of speech are taken out first."""

    acute: tuple[re.Pattern[str], ...]
    review: tuple[re.Pattern[str], ...]
    benign: tuple[re.Pattern[str], ...]


_LOOK_ALIKES = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "$": "s", "@": "a", "|": "i"})
_CYRILLIC = str.maketrans("аеорсухіѕјһԁӏ", "aeopcyxisjhdl")
_MASKED_LETTER = re.compile(r"(?<=[a-z])[!*](?=[a-z])")  # k!ll, su*cide
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff'’‘`´ʼ]")
_NOT_A_LETTER = re.compile(r"[^a-z0-9]+")
_SPELLED_OUT = re.compile(r"\b(?:[a-z] ){2,}[a-z]\b")


def normalise(text: str) -> str:
    """Plain lower-case words: no accents, apostrophes, invisible or look-alike characters, no s p a c i n g."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)))
    letters = "".join(character for character in plain if not unicodedata.combining(character))
    folded = letters.casefold().translate(_CYRILLIC).translate(_LOOK_ALIKES)
    words = _NOT_A_LETTER.sub(" ", _MASKED_LETTER.sub("i", folded)).strip()
    return _SPELLED_OUT.sub(lambda match: match.group().replace(" ", ""), words)


def screen(texts: Iterable[str], patterns: CrisisPatterns) -> CrisisTier | None:
    """The most urgent tier that any of the texts reaches."""
    normalised = [_without(normalise(text), patterns.benign) for text in texts]
    for tier, family in ((CrisisTier.ACUTE, patterns.acute), (CrisisTier.REVIEW, patterns.review)):
        if any(pattern.search(text) for text in normalised for pattern in family):
            return tier
    return None


def _without(text: str, benign: tuple[re.Pattern[str], ...]) -> str:
    for pattern in benign:
        text = pattern.sub(" ", text)
    return text
