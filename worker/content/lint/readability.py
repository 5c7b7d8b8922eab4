"""How hard a text is to read: the Flesch-Kincaid grade (Kincaid et al., 1975), with syllables counted by rule.

US guidance for health texts asks for grade 6 to 8 (PMC3049622, PMC6334864).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from worker.content.lint.paragraphs import sentences_of

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|\d+(?:[.,]\d+)*")
_VOWELS = re.compile(r"[aeiouyáéíóúàèìòùâêîôûäëïöüœæ]+")
_SPLIT_VOWELS = re.compile(
    r"i[ao]|eo(?!u)|[^g]ua|ue(?=[lt])|[^aeiou]ying|creat|seeing|oing|ië|oë|iet|uici|rien[ct]|clie|[^p]ier|[aeo]y[aeiou]"
)
_JOINED = re.compile(r"[ct]i(?:on|al|an)|[cgstx]iou|sion|[glnx]ion|[gl]eon|[dg]eous")
_SILENT = re.compile(
    r"(?:[^laeiouy]|[aeiouy]l)e$|[^dtaeiouy]ed$|(?:[^cgsxzaeiouyl]|[^cs]h)es$|[^aeiouy]e(?=ful|less|ment)|[^aeiouylr]ely$"
)
_KNOWN = {
    "are": 1, "were": 1, "there": 1, "one": 1, "someone": 2, "something": 2, "sometimes": 2, "people": 2,
    "every": 2, "everyone": 3, "everything": 3, "medicine": 3, "medicines": 3, "business": 2, "area": 3,
    "idea": 3, "ideas": 3, "being": 2, "science": 2, "quiet": 2, "diet": 2, "diets": 2, "real": 1, "really": 2,
    "whose": 1, "eye": 1, "eyes": 1, "careful": 2, "therefore": 2, "questions": 2, "question": 2, "somewhere": 2,
    "evening": 2, "safety": 2, "beforehand": 3, "nausea": 3, "watches": 2, "anyone": 3, "tired": 2,
}  # fmt: skip


def words_of(text: str) -> list[str]:
    """The words of a text; a number is one."""
    return _WORD.findall(text)


def grade(paragraphs: Iterable[str]) -> float:
    """The school grade that reads this with ease; 0 for nothing."""
    sentences = [words for paragraph in paragraphs for text in sentences_of(paragraph) if (words := words_of(text))]
    count = sum(map(len, sentences))
    if not count:
        return 0.0
    sounds = sum(syllables(word) for sentence in sentences for word in sentence)
    return 0.39 * count / len(sentences) + 11.8 * sounds / count - 15.59


@lru_cache(maxsize=8192)
def syllables(word: str) -> int:
    """How many syllables a word has, nearly always."""
    if word.isupper() and len(word) > 1:
        return len(word)  # an abbreviation is spoken letter by letter
    word = word.lower().replace("’", "'")
    if word in _KNOWN:
        return _KNOWN[word]
    if any(letter.isdigit() for letter in word):
        return 1
    stem = word.split("'")[0]
    count = len(_VOWELS.findall(stem))
    count += len(_SPLIT_VOWELS.findall(stem)) - len(_JOINED.findall(stem))
    count -= bool(_SILENT.search(stem))
    return max(count, 1)
