"""Rules about reading: plain words, short sentences, an inbox line that says something."""

from __future__ import annotations

import re
from collections.abc import Iterator

from worker.content.lint.finding import Severity
from worker.content.lint.paragraphs import sentences_of
from worker.content.lint.readability import grade, words_of
from worker.content.lint.rule import Hit, Rule
from worker.content.lint.sample import Sample, front_line
from worker.domain.leads import Language

_E, _W = Severity.E, Severity.W
_LONG_SENTENCE, _LONG_PARAGRAPH = 30, 90
_HARD, _TOO_HARD = 8.0, 10.0

SUB002 = Rule(
    id="SUB002",
    severity=_W,
    what="a subject of under 15 or over 60 characters; a preheader of under 40 or over 100, or one that repeats; '!!', "
    "capitals, '$', '%', 'free', 're:'; more than one emoji",
    why="Phones cut long lines off, and shouting looks like spam to people and filters.",
    fix="Write it as you would to a person you respect.",
    source="15 USC 7704(a)(2); SpamAssassin",
)
A11Y002 = Rule(
    id="A11Y002",
    severity=_W,
    what="Flesch-Kincaid grade over 8 (warning) or 10 (error); a sentence of over 30 words, a paragraph of over 90",
    why="People who are unwell or worried read less easily. The articles need 12 to 17 years of school.",
    fix="Shorter sentences, everyday words.",
    source="PMC3049622, PMC6334864",
)

RULES = (SUB002, A11Y002)

_SHOUT = (
    (re.compile(r"!!"), "shouts with '!!'"),
    (re.compile(r"\b[A-Z]{4,}\b"), "has a word in capitals"),
    (re.compile(r"[$%]"), "has a $ or % sign"),
    (re.compile(r"\bfree\b|^(?:re|fwd?):", re.IGNORECASE), "reads like a trick ('free', 're:', 'fwd:')"),
    (re.compile(r"[\U0001F300-\U0001FAFF☀-➿].*[\U0001F300-\U0001FAFF☀-➿]"), "has more than one emoji"),
)


def check_inbox_line(sample: Sample) -> Iterator[Hit]:
    """Subject and preheader, as they stand in an inbox."""
    email, subject, preheader = sample.email, sample.rendered.subject, sample.rendered.preheader
    for key, text, least, most in (("subject", subject, 15, 60), ("preheader", preheader, 40, 100)):
        line = front_line(sample.catalog, email, key)
        if not least <= len(text) <= most:
            message = f"The {key} has {len(text)} characters; {least} to {most} are shown well."
            yield SUB002.at(email.path, line, message)
        for pattern, trouble in _SHOUT:
            if pattern.search(text):
                yield SUB002.at(email.path, line, f"The {key} {trouble}.")
    opening = [paragraph.text.strip().lower() for paragraph in sample.paragraphs[:1]]
    if preheader.strip().lower() in {subject.strip().lower(), *opening}:
        line = front_line(sample.catalog, email, "preheader")
        yield SUB002.at(email.path, line, "The preheader repeats what stands beside it.")


def check_ease(sample: Sample) -> Iterator[Hit]:
    """The grade of the email's own words, and what is too long in them."""
    prose = [paragraph.text for paragraph in sample.paragraphs if paragraph.is_prose]
    if sample.email.language is not Language.ENGLISH:
        return  # the formula counts syllables as English has them
    level = round(grade(prose), 1)
    if level > _HARD:
        severity = _E if level > _TOO_HARD else _W
        message = f"This needs {level} years of school to read with ease."
        yield A11Y002.at(sample.email.path, sample.email.body_line, message, severity=severity)
    for paragraph in prose:
        for sentence in sentences_of(paragraph):
            if (length := len(words_of(sentence))) > _LONG_SENTENCE:
                yield A11Y002.at(*sample.where(sentence[:40], sentence), f"A sentence has {length} words.")
        if (length := len(words_of(paragraph))) > _LONG_PARAGRAPH:
            yield A11Y002.at(*sample.where(paragraph[:40]), f"A paragraph has {length} words.")
