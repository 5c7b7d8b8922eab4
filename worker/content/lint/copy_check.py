"""The one small engine of the copy rules: read each piece of text once, whatever number of samples holds it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from worker.content.lint.copy_rules import COPY_RULES, UNITS
from worker.content.lint.paragraphs import Kind, paragraphs_of, sentences_of
from worker.content.lint.rule import CopyRule, Hit, Scope, Unit
from worker.content.lint.sample import Draft, Sample, front_line

_BY_SCOPE = {scope: tuple(rule for rule in COPY_RULES if scope in rule.scopes) for scope in Scope}


def check_words(sample: Sample) -> Iterator[Hit]:
    """Every copy rule over a sample's own words, its blocks' words, its inbox line and its finished text."""
    for paragraph in sample.paragraphs:
        if paragraph.kind is not Kind.BLOCK:
            yield from _hits(sample, Scope.OWN, paragraph.text)
    for block, markdown in sample.outline.blocks.items():
        for paragraph in paragraphs_of(markdown):
            yield from _hits(sample, Scope.BLOCKS, paragraph.text, block)
    for key, text in (("subject", sample.rendered.subject), ("preheader", sample.rendered.preheader)):
        for rule, words, _ in matches(Scope.INBOX, text):
            yield rule.at(
                sample.email.path, front_line(sample.catalog, sample.email, key), rule.says.format(words=words)
            )
    yield from _hits(sample, Scope.OUTPUT, sample.rendered.text)


def check_typed(draft: Draft) -> Iterator[Hit]:
    """The copy rules about what is typed into the file."""
    for rule in _BY_SCOPE[Scope.SOURCE]:
        for found in rule.pattern.finditer(draft.typed):
            words = " ".join(found.group().split())
            yield rule.at(draft.email.path, draft.line_at(found.start()), rule.says.format(words=words))


@lru_cache(maxsize=16_384)
def matches(scope: Scope, text: str) -> tuple[tuple[CopyRule, str, str], ...]:
    """The rules that a piece of text breaks: each with the words found, and the sentence around them."""
    return tuple(
        (rule, words, piece)
        for rule in _BY_SCOPE[scope]
        if rule.pattern.search(text)
        for piece in (sentences_of(text) if UNITS.get(scope, rule.unit) is Unit.SENTENCE else (text,))
        if (words := _broken_by(rule, piece))
    )


def _broken_by(rule: CopyRule, piece: str) -> str | None:
    """The words in this piece that break the rule; None where it stands."""
    found = rule.pattern.search(piece)
    if found is None or (rule.also and not rule.also.search(piece)) or (rule.unless and rule.unless.search(piece)):
        return None
    return " ".join(found.group().split())


def _hits(sample: Sample, scope: Scope, text: str, block: str = "") -> Iterator[Hit]:
    for rule, words, sentence in matches(scope, text):
        path, line = sample.where(words, sentence if len(sentence) < 500 else "", block)
        yield rule.at(path, line, rule.says.format(words=words))
