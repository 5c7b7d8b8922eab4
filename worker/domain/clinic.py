"""The clinic as its staff describe it in `clinic.toml`: places, opening, services, facts.

A service that a place does not list is not offered there (I5); a fact is only known with a review date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from worker.domain.leads import CLINICS, Language, Location, Treatment
from worker.domain.reputation import Reputation
from worker.domain.response import FrontDeskRules
from worker.domain.retention import Retention
from worker.domain.schedule import Calendar, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A phrase about one place that ages, such as how long a session takes."""

    says: str
    review_by: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One of the two clinics."""

    id: Location
    city: str
    state: str
    state_code: str
    address: str
    phone: str
    hours: str
    licence_line: str
    sender_name: str
    sender_address: str
    reply_to: str
    latitude: float
    longitude: float
    zone: str
    closed: Mapping[date, str]
    services: frozenset[Treatment]
    facts: Mapping[str, Fact]
    hours_es: str = ""

    def hours_in(self, language: Language) -> str:
        """When the phone is answered, as the public pages say it."""
        return self.hours_es or self.hours if language is Language.SPANISH else self.hours

    @property
    def calendar(self) -> Calendar:
        """When it is open, as far as days go."""
        return Calendar(zone=self.zone, closed=frozenset(self.closed))

    @property
    def name(self) -> str:
        """How the place is always written, so that the brand is never taken for the city."""
        return f"The Albany Clinic in {self.city}, {self.state}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NurtureRules:
    """When nurture may go out, everywhere."""

    window: Window
    min_gap: timedelta
    acknowledgement_gap: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinic:
    """Everything in `clinic.toml`."""

    brand: str
    website: str
    undecided_sender_name: str
    undecided_sender_address: str
    undecided_reply_to: str
    nurture: NurtureRules
    reputation: Reputation
    front_desk: FrontDeskRules
    retention: Retention
    places: Mapping[Location, Place]
    _calendars: Mapping[Location, tuple[Calendar, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        calendars = {location: tuple(place.calendar for place in self.places_of(location)) for location in Location}
        object.__setattr__(self, "_calendars", calendars)  # they are asked for several times for each email

    def places_of(self, location: Location) -> tuple[Place, ...]:
        """The places that concern a lead: its own, or both while it is undecided."""
        if location in self.places:
            return (self.places[location],)
        return tuple(self.places[clinic] for clinic in CLINICS if clinic in self.places)  # a draft may lack one

    def services_at(self, location: Location) -> frozenset[Treatment]:
        """What may be spoken of to a lead: the place's services, or what all offer while undecided."""
        return frozenset.intersection(*(place.services for place in self.places_of(location)))

    def calendar(self, location: Location) -> Calendar:
        """The one by which a lead's days and hours are told: its clinic's, or the first while undecided."""
        return self.calendars(location)[0]

    def calendars(self, location: Location) -> tuple[Calendar, ...]:
        """The calendars that must all be open; both for an undecided lead, whose zone is not known."""
        return self._calendars[location]
