"""Lint the content as it would be published: the rules of `worker.content.lint`, and the bytes that would leave."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime

from worker.content.lint.engine import lint
from worker.content.lint.finding import Finding, errors_in
from worker.content.lint.sample import LINKS_HOST, Wire
from worker.content.render import Renderer
from worker.domain.leads import Location
from worker.errors import ContentInvalid, TemplateError
from worker.storage.leads import Identity
from worker.usecases.sending.compose import INERT_LINKS, compose, inert_send

_DATE = datetime(2026, 1, 1, tzinfo=UTC)
_MADE_WRONG_BY_TIME = frozenset({"FM002", "WAI001"})


def check_content(
    renderer: Renderer,
    today: date,
    *,
    emails: Collection[str] | None = None,
    locations: Collection[Location] | None = None,
) -> list[Finding]:
    """Every finding, errors first; with `emails` or `locations`, only of these."""
    return lint(renderer, today, emails=emails, locations=locations, wire=_wire(renderer))


def refuse_errors(renderer: Renderer, today: date, *, even_if_overdue: bool = False) -> None:
    """Raise ContentInvalid with every error. An overdue email may be let in: the send ladder holds it."""
    errors = errors_in(check_content(renderer, today))
    if even_if_overdue:
        errors = [error for error in errors if error.rule not in _MADE_WRONG_BY_TIME]
    if errors:
        raise ContentInvalid([TemplateError(error.path, error.in_words, error.line) for error in errors])


def _wire(renderer: Renderer) -> Wire:
    def build(email: str, location: Location, sequence: str | None) -> bytes:
        send = inert_send(renderer.catalog, (email, location, sequence))
        reader = Identity(email="sam@example.com", first_name="Sam")
        return compose(renderer, send, reader, INERT_LINKS, f"https://{LINKS_HOST}", _DATE).content

    return build
