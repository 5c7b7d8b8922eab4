"""Every vendor whose webhook we understand, by name. `generic` is told by what comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from worker.errors import Unmappable
from worker.hooks import duda, flat, jotform, typeform, webflow, wordpress
from worker.hooks.decode import UNREADABLE, decode
from worker.hooks.delivery import Delivery

GENERIC = "generic"
UNKNOWN_SHAPE = "map_unknown_shape"


@dataclass(frozen=True, slots=True)
class Reader:
    """One vendor: is it theirs, and what does it say. `read` gives None for an event that is no form."""

    knows: Callable[[Any], bool]
    read: Callable[[Any], Delivery | None]


READERS: Mapping[str, Reader] = {
    "duda": Reader(duda.knows, duda.read),
    "typeform": Reader(typeform.knows, typeform.read),
    "jotform": Reader(jotform.knows, jotform.read),
    "webflow": Reader(webflow.knows, webflow.read),
    "gravity": Reader(wordpress.knows_gravity, wordpress.read_gravity),
    "elementor": Reader(wordpress.knows_elementor, wordpress.read_elementor),
    GENERIC: Reader(flat.knows, flat.read),
}
"""In the order in which a post to `generic` is compared with them; it takes whatever is left itself."""


def read_post(source: str, body: bytes) -> tuple[str, Delivery | None]:
    """Whose post it is and what it says; None for an event that is no form. Raises Unmappable."""
    data = decode(body)
    candidates = READERS if source == GENERIC else {source: READERS[source]}
    for name, reader in candidates.items():
        if reader.knows(data):
            try:
                return name, reader.read(data)
            except RecursionError:
                raise Unmappable(UNREADABLE) from None
    raise Unmappable(UNKNOWN_SHAPE)
