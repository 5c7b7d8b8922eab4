"""What people have to see to by a certain day: the agreement with the provider, and reviews of content. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from worker.content.catalog import Catalog
from worker.doctor.catalogue import AGREEMENT, REVIEWS
from worker.doctor.finding import Finding

AHEAD = timedelta(days=30)
_YEAR = timedelta(days=365)


def check_agreement(written: str, today: date, *, is_production: bool) -> Finding:
    """The date of the agreement with the mail provider."""
    if not written:
        text = "NURTURE_ESP_BAA_DATE is not set"
        return AGREEMENT.failed(text) if is_production else AGREEMENT.skipped(f"{text}, which only production needs")
    signed = date.fromisoformat(written)
    if signed > today:
        return AGREEMENT.failed(f"the agreement with the mail provider is dated {signed}, which is to come")
    if today - signed > _YEAR:
        return AGREEMENT.warning(f"the agreement with the mail provider is of {signed}, over a year ago")
    return AGREEMENT.ok(f"the agreement with the mail provider is of {signed}")


def check_reviews(catalog: Catalog, today: date) -> Iterator[Finding]:
    """Every review date that has passed or comes within 30 days."""
    near = {what: day for what, day in sorted(_review_dates(catalog).items()) if day - today <= AHEAD}
    for what, day in near.items():
        if day < today:
            yield REVIEWS.failed(f"{what} was to be reviewed by {day}; emails that state it are held")
        else:
            yield REVIEWS.warning(f"{what} is to be reviewed by {day}")
    if not near:
        yield REVIEWS.ok("no review is due within 30 days")


def _review_dates(catalog: Catalog) -> Mapping[str, date]:
    emails = {f"email {email.scope.id}": email.scope.review_by for email in catalog.emails.values()}
    claims = {f"claim {name}": claim.review_by for name, claim in catalog.claims.items()}
    facts = {
        f"fact {place.id}.{name}": fact.review_by
        for place in catalog.clinic.places.values()
        for name, fact in place.facts.items()
    }
    return {**emails, **claims, **facts}
