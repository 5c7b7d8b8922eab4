"""From a foreign form's answers to our fields, each decision with its reason. Pure; nothing that was typed is lost.

An answer is known by what its form's entry says, else by its name, else by a synonym, else by the kind that the
vendor declares; never by what it holds. What means nothing to us is kept under its own name, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from worker.domain.forms import Form
from worker.domain.routing import squash
from worker.domain.submissions import KNOWN_FIELDS, TRUE_WORDS, Fields

FULL_NAME = "full_name"
"""A foreign field that holds first and last name in one; no field of our own."""

TARGETS = (KNOWN_FIELDS - {"form"}) | {FULL_NAME}
"""What an answer can become."""

SEVERAL = frozenset({"condition"})
"""Fields that may be asked for more than once; of the others the first answer counts."""

KEPT = "other: "
"""What is kept beside our fields bears this before its own name, so that it is never taken for one of ours."""

CONSENT_UNCLEAR = "consent.unclear"

_KINDS: Mapping[str, str] = {"email": "email", "phonenumber": "phone", "phone": "phone", "tel": "phone"}
_YES = TRUE_WORDS | {
    "y", "agree", "agreed", "iagree", "accept", "accepted", "iaccept", "checked", "si", "sí", "acepto",
}  # fmt: skip
_NO = frozenset({"", "no", "n", "false", "off", "0", "unchecked"})
_MAX_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer of a foreign form: every name that it goes by (label, id, key), what was typed, and its kind."""

    names: tuple[str, ...]
    values: tuple[str, ...]
    kind: str = ""

    @property
    def is_empty(self) -> bool:
        """True when nothing was typed."""
        return not any(value.strip() for value in self.values)


class Because(StrEnum):
    """Why an answer became one of our fields, or did not."""

    ENTRY = "entry"
    NAME = "name"
    SYNONYM = "synonym"
    KIND = "kind"
    TAKEN = "taken"
    EMPTY = "empty"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What became of one answer: our field, or None where it is only kept."""

    answer: Answer
    field: str | None
    because: Because


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedPost:
    """Our fields, how each answer was decided, and oddities for staff."""

    fields: Fields
    decisions: tuple[Decision, ...]
    flags: tuple[str, ...] = ()


_STRENGTH = (Because.ENTRY, Because.NAME, Because.SYNONYM, Because.KIND)


def map_answers(answers: Sequence[Answer], form: Form, synonyms: Mapping[str, str]) -> MappedPost:
    """Our fields for these answers. `synonyms` are squashed foreign words, each with our field."""
    entry = {squash(theirs): ours for ours, names in form.fields.items() for theirs in names}
    meanings = [_meaning(answer, entry, synonyms) for answer in answers]
    decisions: dict[int, Decision] = {}
    taken: set[str] = set()
    for strength in _STRENGTH:
        for place, (answer, (field, because)) in enumerate(zip(answers, meanings, strict=True)):
            if because is strength and field is not None:
                is_free = field in SEVERAL or field not in taken
                decisions[place] = Decision(
                    answer=answer, field=field if is_free else None, because=because if is_free else Because.TAKEN
                )
                taken.add(field)
    for place, (answer, (field, because)) in enumerate(zip(answers, meanings, strict=True)):
        if field is None:
            decisions[place] = Decision(answer=answer, field=None, because=because)
    ordered = tuple(decisions[place] for place in sorted(decisions))
    fields, flags = _fields(ordered, form)
    return MappedPost(fields=fields, decisions=ordered, flags=flags)


def _meaning(answer: Answer, entry: Mapping[str, str], synonyms: Mapping[str, str]) -> tuple[str | None, Because]:
    """Which of our fields an answer is meant for, taken by itself."""
    if answer.is_empty:
        return None, Because.EMPTY
    names = [squash(name) for name in answer.names]
    ours = {squash(target): target for target in TARGETS}
    for known, because in ((entry, Because.ENTRY), (ours, Because.NAME), (synonyms, Because.SYNONYM)):
        for name in names:
            if name in known:
                return known[name], because
    for name in answer.names:
        if name.casefold().startswith("utm_"):
            return name.casefold()[:_MAX_NAME], Because.NAME
    kind = _KINDS.get(squash(answer.kind))
    return (kind, Because.KIND) if kind else (None, Because.UNKNOWN)


def _fields(decisions: Sequence[Decision], form: Form) -> tuple[Fields, tuple[str, ...]]:
    fields: dict[str, tuple[str, ...]] = {}
    flags: list[str] = []
    for decision in decisions:
        values = decision.answer.values
        match decision.field:
            case None if decision.because is not Because.EMPTY:
                _add(fields, KEPT + decision.answer.names[0][:_MAX_NAME], values)
            case None | "full_name":
                continue
            case "consent_email" if _agrees(values, form):
                fields["consent_email"] = ("yes",)
            case "consent_email":
                fields["consent_email"] = values
                flags += [] if all(squash(value) in _NO for value in values) else [CONSENT_UNCLEAR]
            case field:
                _add(fields, field, values)
    for decision in decisions:
        if decision.field == FULL_NAME:
            _add_full_name(fields, decision.answer)
    return fields, tuple(flags)


def _add(fields: dict[str, tuple[str, ...]], name: str, values: tuple[str, ...]) -> None:
    fields[name] = fields.get(name, ()) + values


def _add_full_name(fields: dict[str, tuple[str, ...]], answer: Answer) -> None:
    """The first word is the first name, the rest the last; where either is known already, the whole is kept."""
    first, _, last = " ".join(" ".join(answer.values).split()).partition(" ")
    if "first_name" in fields or "last_name" in fields:
        _add(fields, KEPT + answer.names[0][:_MAX_NAME], answer.values)
        return
    fields["first_name"] = (first,)
    if last:
        fields["last_name"] = (last,)


def _agrees(values: Sequence[str], form: Form) -> bool:
    """True for a word that means yes, or the very wording that the form shows; anything else is no consent."""
    yes = _YES | {squash(form.consent_wording)}
    return any(squash(value) in yes for value in values)
