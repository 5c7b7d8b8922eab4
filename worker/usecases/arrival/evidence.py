"""What a submission says about where its sender belongs, from offline tables of ZIP codes and area codes."""

from __future__ import annotations

import re
from math import asin, cos, radians, sin, sqrt

import phonenumbers

from worker.domain.clinic import Clinic
from worker.domain.leads import Location
from worker.domain.routing import LocationEvidence, ZipPlace
from worker.usecases.arrival.area_codes import STATE_OF_AREA_CODE
from worker.usecases.arrival.zip_codes import place_of_zip

_EARTH_RADIUS_MILES = 3958.8
_FIVE_DIGITS = re.compile(r"\s*([0-9]{5})(?:[-\s]?[0-9]{4})?\s*")  # ASCII: nobody else's digits are in the table


def read_evidence(
    *,
    choice: str | None,
    zip_code: str | None,
    state: str | None,
    phone: str | None,
    form_default: Location | None,
    clinic: Clinic,
) -> LocationEvidence:
    """Look up what was typed. `phone` is E.164; a ZIP that does not exist is no evidence."""
    return LocationEvidence(
        choice=choice,
        zip_place=_zip_place(zip_code, clinic) if zip_code else None,
        state=state,
        phone_state=_phone_state(phone) if phone else None,
        form_default=form_default,
    )


def _zip_place(text: str, clinic: Clinic) -> ZipPlace | None:
    match = _FIVE_DIGITS.fullmatch(text)
    found = place_of_zip(match.group(1)) if match else None
    if found is None:
        return None
    state, latitude, longitude = found
    located = bool(latitude or longitude)  # military ZIP codes stand at 0, 0: a state, but no place
    miles = {place.id: _miles(latitude, longitude, place.latitude, place.longitude) for place in clinic.places.values()}
    return ZipPlace(state=state, miles=miles if located else {})


def _phone_state(phone: str) -> str | None:
    try:
        number = phonenumbers.parse(phone, "US")
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.region_code_for_number(number) != "US":
        return None
    return STATE_OF_AREA_CODE.get(phonenumbers.national_significant_number(number)[:3])


def _miles(latitude: float, longitude: float, to_latitude: float, to_longitude: float) -> float:
    """Great-circle distance (haversine)."""
    phi, to_phi = radians(latitude), radians(to_latitude)
    across = sin((to_phi - phi) / 2) ** 2
    along = cos(phi) * cos(to_phi) * sin(radians(to_longitude - longitude) / 2) ** 2
    return 2 * _EARTH_RADIUS_MILES * asin(sqrt(across + along))
