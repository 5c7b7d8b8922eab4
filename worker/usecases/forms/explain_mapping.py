"""How a payload would be mapped, question by question, and what would become of it. Stores nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from worker.content.catalog import Catalog
from worker.domain.mapping import Decision, map_answers
from worker.domain.submissions import RawPost, Submission
from worker.errors import NotFound, Unmappable
from worker.hooks.readers import READERS, read_post
from worker.usecases.arrival.arrivals import route_submission
from worker.usecases.forms.map_raw import map_raw
from worker.usecases.forms.raw_posts import raw_submissions

LEAD, PARKED = "lead", "parked"


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingReport:
    """One post: whose it is, what became of each answer, and its end: a lead and where it belongs, or why parked."""

    vendor: str
    decisions: Sequence[Decision]
    end: str
    code: str = ""
    flags: Sequence[str] = ()
    agrees: bool = False
    location: str = ""
    reason: str = ""


def explain_mapping(
    body: bytes, source: str, form: str, catalog: Catalog, received_at: datetime
) -> list[MappingReport]:
    """One report for each form in a payload; none for an event that is no form. Raises NotFound."""
    if form not in catalog.forms:
        raise NotFound(f"no form {form!r} is registered; known are {', '.join(catalog.forms)}")
    if source not in READERS:
        raise NotFound(f"no vendor {source!r} is known; known are {', '.join(READERS)}")
    found = raw_submissions(form, source, body, secret="", received_at=received_at)
    return [explain_raw(raw, raw.raw, catalog) for raw in found if raw.raw is not None]


def explain_raw(raw: Submission, post: RawPost, catalog: Catalog) -> MappingReport:
    """The report on one post as intake keeps it."""
    vendor, decisions = "", tuple[Decision, ...]()
    try:
        vendor, delivery = read_post(post.source, post.body.encode("latin-1"))
        if delivery is not None and raw.form in catalog.forms:
            decisions = map_answers(delivery.answers, catalog.forms[raw.form], catalog.synonyms).decisions
        submission = map_raw(raw, post, catalog)
    except Unmappable as error:
        return MappingReport(vendor=vendor, decisions=decisions, end=PARKED, code=error.code)
    _, route = route_submission(catalog, submission)
    return MappingReport(
        vendor=vendor,
        decisions=decisions,
        end=LEAD,
        flags=submission.flags,
        agrees=submission.consent_email,
        location=route.location,
        reason=route.location_reason,
    )
