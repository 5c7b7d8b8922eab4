"""Bring leads in from a table, by the same path as a posted form; as often as one likes, each row once.

They did not write just now: so they are not acknowledged, staff are not told of each, and no response is waited for.
Consent must have a column of its own, and a form that is registered with the words that these people agreed to.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from worker.content.catalog import Catalog
from worker.domain.forms import Form, TokenCheck
from worker.domain.mapping import CONSENT_UNCLEAR, TARGETS, Answer, Decision, map_answers
from worker.domain.submissions import IMPORTED, Submission
from worker.errors import InvalidSubmission, Refused
from worker.storage import submissions
from worker.storage.sealing import LookupKey
from worker.usecases.arrival.capture import Captured, capture
from worker.usecases.arrival.read_sheet import PROBLEM, Sheet, SheetRow
from worker.usecases.arrival.understand import understand
from worker.usecases.services import Services

_GROUP = 50


@dataclass(slots=True, kw_only=True)
class Imported:
    """What became of the rows so far; each problem with its row."""

    captured: Captured = field(default_factory=Captured)
    understood: int = 0
    problems: list[tuple[SheetRow, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    """How a table is read: by which form, and what each column means."""

    form: Form
    catalog: Catalog
    columns: tuple[Decision, ...]


def plan_import(services: Services, sheet: Sheet, form_key: str, columns: Mapping[str, str]) -> ImportPlan:
    """Decide what each column means; `columns` says it by name. Raises Refused."""
    with services.database.read() as connection:
        catalog = services.content.renderer(connection)[1].catalog
    if form_key not in catalog.forms:
        known = ", ".join(sorted(catalog.forms))
        raise Refused(f"no form {form_key!r} is published; known are {known}")
    for theirs, ours in columns.items():
        if theirs not in sheet.columns:
            raise Refused(f"there is no column {theirs!r}; there are {', '.join(sheet.columns)}")
        if ours not in TARGETS:
            raise Refused(f"{ours!r} is no field of ours; write one of {', '.join(sorted(TARGETS))}")
    form = catalog.forms[form_key]
    named: dict[str, tuple[str, ...]] = dict(form.fields)
    for theirs, ours in columns.items():
        named[ours] = (*named.get(ours, ()), theirs)
    form = replace(form, fields=named)
    decided = map_answers([_answer(name, "x") for name in sheet.columns if name != PROBLEM], form, catalog.synonyms)
    found = {decision.field for decision in decided.decisions}
    if "consent_email" not in found:
        raise Refused("no column says whether they agreed to emails; name it: --map 'Their column=consent_email'")
    if not found & {"email", "phone"}:
        raise Refused("no column holds an address or a number; name it: --map 'Their column=email'")
    return ImportPlan(form=form, catalog=catalog, columns=decided.decisions)


def import_leads(
    services: Services,
    rows: Iterable[SheetRow],
    plan: ImportPlan,
    *,
    dry_run: bool = False,
) -> Imported:
    """Bring rows in, a group at a time; those with problems are left out and told. Interrupted, it is run again."""
    done, group = Imported(), list[Submission]()
    for row in rows:
        try:
            group.append(_understood(row, plan, services.vault.lookup))
        except InvalidSubmission as error:
            done.problems.append((row, "; ".join(problem.detail for problem in error.errors)))
        except _Unclear as unclear:
            done.problems.append((row, str(unclear)))
        if len(group) == _GROUP:
            _bring_in(services, group, done, dry_run=dry_run)
            group = []
    _bring_in(services, group, done, dry_run=dry_run)
    return done


def _bring_in(services: Services, group: Sequence[Submission], done: Imported, *, dry_run: bool) -> None:
    done.understood += len(group)
    if group and not dry_run:
        done.captured += capture(services, [submissions.envelope(one, services.ring) for one in group])


class _Unclear(Exception):
    """A row that a person must mend first."""


def _understood(row: SheetRow, plan: ImportPlan, lookup: LookupKey) -> Submission:
    """The submission that a row makes, under an id that it has at each run. Raises InvalidSubmission, _Unclear."""
    cells = {name: cell.strip() for name, cell in row.cells.items() if name != PROBLEM}
    mapped = map_answers([_answer(name, cell) for name, cell in cells.items()], plan.form, plan.catalog.synonyms)
    if CONSENT_UNCLEAR in mapped.flags:
        raise _Unclear("It is not clear whether they agreed to emails: write yes or no.")
    key = lookup.hash(json.dumps(sorted(cells.items()), ensure_ascii=False), "import")
    fields = {**mapped.fields, "form": (plan.form.key,)}
    submission = understand(fields, plan.catalog, datetime.now(UTC), f"import/{key}", TokenCheck())
    return replace(submission, flags=(*submission.flags, *mapped.flags, IMPORTED))


def _answer(name: str, cell: str) -> Answer:
    return Answer(names=(name,), values=(cell,))
