"""The shipped content, loaded and compiled once for a whole run, and leads and instants that tests share."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from worker.content.catalog import Catalog, read_content_files
from worker.content.load import CONTENT_LOCATIONS, load_catalog
from worker.content.render import Renderer
from worker.domain.clinic import Clinic
from worker.domain.leads import Condition, Location, Treatment
from worker.domain.sequences import LateAction, Step
from worker.usecases.content.publish import places_of_use

TEMPLATES = Path(__file__).parents[2] / "templates" / "email"

LOCATIONS = CONTENT_LOCATIONS


@lru_cache(maxsize=1)
def files() -> MappingProxyType[str, str]:
    return MappingProxyType(read_content_files(TEMPLATES))


@lru_cache(maxsize=1)
def catalog() -> Catalog:
    return load_catalog(files())


@lru_cache(maxsize=1)
def renderer() -> Renderer:
    return Renderer(catalog())


def clinic() -> Clinic:
    return catalog().clinic


@lru_cache(maxsize=1)
def uses() -> tuple[tuple[str, Location, str | None], ...]:
    """Every (email, location, sequence) in which an email can be sent."""
    return tuple(places_of_use(renderer()))


def catalog_with(**texts: str) -> Catalog:
    """The shipped catalog, with the bodies of some emails replaced (ids with `_` for `-`)."""
    shipped = catalog()
    bodies = {name.replace("_", "-"): body for name, body in texts.items()}
    emails = {id_: replace(email, body=bodies.get(id_, email.body)) for id_, email in shipped.emails.items()}
    return replace(shipped, emails=emails)


def step(
    name: str,
    *,
    email: str | None = None,
    wait: timedelta = timedelta(days=2),
    late_after: timedelta = timedelta(days=3),
    late_action: LateAction = LateAction.SHIFT,
) -> Step:
    return Step(
        id=name,
        email=email or name,
        wait=wait,
        late_after=late_after,
        late_action=late_action,
        locations=frozenset(LOCATIONS),
    )


def utc(text: str) -> datetime:
    """An instant with an offset, in UTC."""
    at = datetime.fromisoformat(text)
    assert at.tzinfo is not None, f"{text} has no offset"
    return at.astimezone(UTC)


EVERY_CONDITION = tuple(Condition)
EVERY_TREATMENT = (None, *Treatment)
