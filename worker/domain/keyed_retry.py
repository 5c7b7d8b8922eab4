"""When a send of unknown outcome may be handed over again with the same idempotency key (I2).

A provider that honours our key takes the same message twice without sending it twice, for as long as it
remembers the key. We stop well before it may forget, since from then on a repeat could be a second email.
"""

from __future__ import annotations

from datetime import datetime, timedelta

_SAFE_SHARE = 0.8
_SOONEST, _LATEST = timedelta(seconds=5), timedelta(hours=6)


def key_ends(handed_over_real: datetime, remembered_for: timedelta) -> datetime:
    """Until when (real time) a key may be used again that was first used at this instant."""
    return handed_over_real + remembered_for * _SAFE_SHARE


def next_try_after(age: timedelta) -> timedelta:
    """How long to wait before asking, or trying, again about a send this old: at first soon, then ever more rarely."""
    return min(max(age, _SOONEST), _LATEST)
