"""The tree of the content: every sequence with its emails, and the emails outside of sequences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from worker.console.studio import words
from worker.content.catalog import Catalog, Email
from worker.domain.leads import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One email in the tree."""

    email: str
    subject: str
    locations: tuple[Location, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One sequence with its emails in order; emails outside of sequences stand in a branch without an id."""

    id: str
    name: str
    leaves: tuple[Leaf, ...]
    steps: Mapping[Location, int]
    weeks: str


def tree(catalog: Catalog) -> list[Branch]:
    """The branches: answers first, then the sequences by name, then what no sequence has."""
    used = {step.email for sequence in catalog.sequences.values() for step in sequence.steps}
    outside = [email for email in catalog.emails.values() if email.id not in used]
    answers = [email for email in outside if email.purpose == "acknowledgement"]
    unused = [email for email in outside if email not in answers]
    branches = [_loose("Answers", answers), *_sequences(catalog), _loose("In no sequence", unused)]
    return [branch for branch in branches if branch.leaves]


def _loose(name: str, emails: list[Email]) -> Branch:
    leaves = tuple(_leaf(email, email.scope.locations) for email in emails)
    return Branch(id="", name=name, leaves=leaves, steps={}, weeks="")


def _leaf(email: Email, locations: frozenset[Location]) -> Leaf:
    return Leaf(email=email.id, subject=email.subject, locations=tuple(words.in_order(locations)))


def _sequences(catalog: Catalog) -> list[Branch]:
    branches = []
    for sequence in sorted(catalog.sequences.values(), key=lambda sequence: sequence.name.casefold()):
        plans = {location: sequence.plan_for(location).steps for location in words.in_order(sequence.locations)}
        leaves = tuple(_leaf(catalog.emails[step.email], step.locations) for step in sequence.steps)
        branches.append(
            Branch(
                id=sequence.id,
                name=sequence.name,
                leaves=leaves,
                steps={location: len(plan) for location, plan in plans.items()},
                weeks=_weeks([sum(step.wait.days for step in plan) for plan in plans.values()]),
            )
        )
    return branches


def _weeks(days: list[int]) -> str:
    """`32 days`, or `27 to 32 days` where locations differ."""
    shortest, longest = min(days, default=0), max(days, default=0)
    return words.plural(longest, "day") if shortest == longest else f"{shortest} to {longest} days"
