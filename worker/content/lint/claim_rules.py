"""Rules about claims: each is said in one wording, with what it needs, to those whom it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import combinations

from worker.content.catalog import Catalog, Claim, ClaimKind
from worker.content.lint.finding import Severity
from worker.content.lint.paragraphs import Kind, paragraphs_of, sentences_of
from worker.content.lint.places import claim_line
from worker.content.lint.rule import Hit, Rule, any_of
from worker.content.lint.sample import Draft, Sample
from worker.content.lint.words import PAYER
from worker.domain.leads import Condition, Treatment

_E, _W = Severity.E, Severity.W

CLM001 = Rule(
    id="CLM001",
    severity=_E,
    what="a claim's sentence typed by hand, word for word or nearly",
    why="A claim that is mended in claims.toml must be mended in every email that makes it.",
    fix='Use {{ claim("…") }}, and list it under claims.',
)
CLM002 = Rule(
    id="CLM002",
    severity=_E,
    what="one claim twice in claims.toml, in nearly the same words",
    why="Two wordings drift apart, and each reader believes the one that they got.",
    fix="Keep one, and use it in both emails.",
)
CLM003 = Rule(
    id="CLM003",
    severity=_E,
    waivable=False,
    what="a claim without a block that it needs",
    why="The medical lead approved the claim together with its disclosures.",
    fix="Add the block before the call to action.",
)
CLM004 = Rule(
    id="CLM004",
    severity=_E,
    what="a claim about one condition in an email that also goes to others",
    why="A person who asked about pain should not read what was meant for someone with another diagnosis.",
    fix="Narrow the email's conditions, or choose a claim that holds for all its readers.",
)
CLM005 = Rule(
    id="CLM005",
    severity=_W,
    what="a claim that an email lists and does not state, or that no email states at all",
    why="It asks for reviews that protect nobody, and its date may hold an email for nothing.",
    fix="Take it off the list.",
)
INS001 = Rule(
    id="INS001",
    severity=_E,
    what="a sentence that a plan covers, accepts or pays, without all of: one location, an insurance claim, an as-of "
    "date, 'check with your plan'",
    why="Coverage differs by state and plan, and changes. New York's Medicaid covers what that of Illinois does not.",
    fix="State it by an insurance claim, in an email for one location, with 'As of …' and 'Check with your plan'.",
    source="claims 13 to 18 of the articles",
)
INS003 = Rule(
    id="INS003",
    severity=_E,
    what="a free or complimentary consultation, unless the place has a fact consultation_free",
    why="It is not so at both clinics, and an inducement is limited by New York and federal law.",
    fix="Leave it out, or add the fact with its terms to clinic.toml.",
    source="NY Education Law 6530(27); claim 19 of the articles",
)

RULES = (CLM001, CLM002, CLM003, CLM004, CLM005, INS001, INS003)

_NEARLY = 0.8
_FEWEST_WORDS = 5
_NAMES = frozenset(word for name in (*Condition, *Treatment) for word in name.split("_")) | {
    "illinois", "carbondale", "york", "albany", "spravato", "iv",
}  # fmt: skip
"""Words that make two claims different, however alike the rest is."""


def check_claims(draft: Draft) -> Iterator[Hit]:
    """What an email states, lists and types."""
    email, claims = draft.email, draft.catalog.claims
    for name in sorted(set(email.claims) - draft.stated):
        message = f"Claim {name!r} is listed and not stated."
        yield CLM005.at(email.path, draft.front_line("claims"), message)
    for claim in [claims[name] for name in sorted(draft.stated & set(claims))]:
        beyond = email.scope.conditions - claim.conditions if email.scope.conditions else {"anyone"}
        if claim.conditions and beyond:
            message = f"Claim {claim.id!r} is not about {', '.join(sorted(beyond))}, who would get this email."
            yield CLM004.at(email.path, _line(draft, claim), message)
        for block in claim.needs:
            if any(block not in sample.outline.blocks for sample in draft.samples):
                message = f"Claim {claim.id!r} needs the block {block!r}."
                yield CLM003.at(email.path, _line(draft, claim), message, fix=f'Add {{{{ block("{block}") }}}}.')
    yield from _check_typed(draft)


def _line(draft: Draft, claim: Claim) -> int:
    found = re.search(rf"claim\(\s*[\"']{re.escape(claim.id)}[\"']", draft.email.body)
    return draft.line_at(found.start()) if found else draft.email.body_line


def _check_typed(draft: Draft) -> Iterator[Hit]:
    for paragraph in paragraphs_of(draft.typed):
        for sentence in sentences_of(paragraph.text):
            claim = _claim_like(sentence, draft.catalog.claims)
            if claim is not None:
                line = draft.line_at(max(draft.typed.find(sentence[:25]), 0))
                fix = f'Use {{{{ claim("{claim.id}") }}}}.'
                yield CLM001.at(draft.email.path, line, f"'{_short(sentence)}' is a claim, typed by hand.", fix=fix)


def _claim_like(sentence: str, claims: Mapping[str, Claim]) -> Claim | None:
    words = _words(sentence)
    if len(words) < _FEWEST_WORDS:
        return None
    for claim in claims.values():
        if any(_are_alike(words, _words(part)) for part in sentences_of(claim.says)):
            return claim
    return None


def check_all_claims(catalog: Catalog) -> Iterator[Hit]:
    """claims.toml as a whole: each claim once, each of use."""
    for one, other in combinations(catalog.claims.values(), 2):
        if _are_alike(_words(one.says), _words(other.says)):
            message = f"Claims {one.id!r} and {other.id!r} say the same."
            yield CLM002.at("claims.toml", claim_line(catalog, other.id), message)
    listed = {claim for email in catalog.emails.values() for claim in email.claims}
    for name in sorted(set(catalog.claims) - listed):
        message = f"No email states the claim {name!r}."
        yield CLM005.at("claims.toml", claim_line(catalog, name), message, fix="Use it, or take it out.")


@lru_cache(maxsize=4096)
def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]+", text.lower()))


def _are_alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """Nearly the same words, and no name in which they differ."""
    if min(len(one), len(other)) < _FEWEST_WORDS or (one ^ other) & _NAMES:
        return False
    return len(one & other) / len(one | other) >= _NEARLY


def _short(sentence: str) -> str:
    return sentence if len(sentence) <= 60 else sentence[:57].rstrip() + "…"


_ASSERTS = any_of(
    r"\bcover(?:s|ed|age is|ing)?\b", r"\baccepts?\b", r"\breimburs\w+", r"\bpa(?:y|ys|id|ying) (?:for|back)\b",
    r"\bdo(?:es)?(?:n[’']t| not) (?:cover|accept|pay)\b",
)  # fmt: skip
_AS_OF = any_of(r"\bas of (?:\w+ )?(?:19|20)\d\d\b")
_CHECK = any_of(r"\bcheck with your plan\b")
_FREE = any_of(r"\bfree\b", r"\bcomplimentary\b", r"\bno[- ]charge\b", r"\bat no cost\b")
_CONSULTATION = any_of(r"\bconsult\w*", r"\bevaluation\b", r"\bassessment\b", r"\bfirst (?:visit|talk|conversation)\b")


def check_coverage(sample: Sample) -> Iterator[Hit]:
    """A sentence about coverage stands on all four of its legs."""
    sentence = next((text for text in _statements(sample) if PAYER.search(text) and _ASSERTS.search(text)), None)
    if sentence is None:
        return
    missing = [name for name, is_there in _legs(sample) if not is_there]
    if missing:
        message = f"'{_short(sentence)}' speaks of coverage without {', '.join(missing)}."
        yield INS001.at(*sample.where(sentence[:30], sentence), message)


def _legs(sample: Sample) -> list[tuple[str, bool]]:
    claims = sample.catalog.claims
    return [
        ("one location", len(sample.email.scope.locations) == 1),
        ("an insurance claim", any(claims[name].kind is ClaimKind.INSURANCE for name in sample.email.claims)),
        ("an as-of date", bool(_AS_OF.search(sample.own_text))),
        ("'check with your plan'", bool(_CHECK.search(sample.own_text))),
    ]


def check_free(sample: Sample) -> Iterator[Hit]:
    """No free consultation where none is known."""
    places = sample.places
    if all("consultation_free" in place.facts for place in places):
        return
    for sentence in _statements(sample):
        found = _FREE.search(sentence)
        if found and _CONSULTATION.search(sentence):
            message = f"'{found.group()}' is promised for a consultation."
            yield INS003.at(*sample.where(found.group(), sentence), message)


def _statements(sample: Sample) -> Iterator[str]:
    for paragraph in sample.paragraphs:
        if paragraph.kind is not Kind.BLOCK:
            yield from (text for text in sentences_of(paragraph.text) if not text.rstrip('"”’)').endswith("?"))
