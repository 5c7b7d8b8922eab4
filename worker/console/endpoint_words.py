"""What an endpoint's last answer means, in words; an unknown code is shown as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

_SAID: Mapping[str, str] = MappingProxyType(
    {
        "address_refused": "its address is in a private network that NURTURE_PRIVATE_HOSTS does not name",
        "ReadTimeout": "it gave no answer within ten seconds",
        "ConnectTimeout": "it could not be reached within ten seconds",
        "ConnectionError": "it could not be reached",
        "SSLError": "its certificate is not good",
        "endpoint_sealed": "its address can't be opened: a key is missing from NURTURE_SECRET_KEYS",
        "identity_sealed": "a lead's data can't be opened: a key is missing from NURTURE_SECRET_KEYS",
        "hubspot_property_missing": "one of our properties is not there",
        "hubspot_401": "its token is wrong",
        "hubspot_403": "its token lacks a scope",
    }
)
_STATUS = re.compile(r"(?:http|hubspot)_(\d{3})")


def answered(code: str | None) -> str:
    """The last answer in words."""
    if code is None:
        return "took it"
    status = _STATUS.fullmatch(code)
    return _SAID.get(code) or (f"it answered {status[1]}" if status else code)
