"""The product clock: everything a person would put in a calendar runs on it.

Leases, back-off and the age of beat run on real time instead. Speed and anchors live in the database,
so that every process agrees; a jump moves the anchor. Speed 0 freezes it between jumps (demo, tests).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductClock:
    """Maps real instants to product instants (both aware). Real life: speed 1 and equal anchors."""

    speed: float
    real_anchor: datetime
    product_anchor: datetime

    def at(self, real_now: datetime) -> datetime:
        """The product instant at a real instant."""
        return self.product_anchor + (real_now - self.real_anchor) * self.speed

    def jumped(self, real_now: datetime, to: datetime) -> ProductClock:
        """The same clock, showing `to` at `real_now`. It never runs backwards."""
        target = max(to, self.at(real_now))
        return ProductClock(speed=self.speed, real_anchor=real_now, product_anchor=target)

    def at_speed(self, real_now: datetime, speed: float) -> ProductClock:
        """The same clock, running on from the same product instant at another speed."""
        return ProductClock(speed=speed, real_anchor=real_now, product_anchor=self.at(real_now))
