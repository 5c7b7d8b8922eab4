"""Sequences: ordered educational emails with their waits, and the plan that an enrollment pins.

An enrollment keeps the order and timing that it started with; only the copy of a step not yet sent may
change under it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum
from typing import Any

from worker.domain.leads import Location
from worker.domain.schedule import Window


class LateAction(StrEnum):
    """What to do with a step that comes due more than its limit ago."""

    SHIFT = "shift"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One email of a sequence. `wait` counts from the previous send actually made."""

    id: str
    email: str
    wait: timedelta
    late_after: timedelta
    late_action: LateAction
    locations: frozenset[Location]
    window: Window | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """An ordered set of steps for the leads of some locations, with the texts that fill its emails' slots."""

    id: str
    name: str
    locations: frozenset[Location]
    slots: Mapping[str, str]
    steps: tuple[Step, ...]

    def plan_for(self, location: Location) -> Plan:
        """The steps that apply at a location, as an enrollment pins them."""
        return Plan(sequence=self.id, steps=tuple(step for step in self.steps if location in step.locations))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The order and timing that an enrollment started with."""

    sequence: str
    steps: tuple[Step, ...]

    def after(self, step_id: str | None) -> tuple[Step, ...]:
        """The steps still to come after a step, or all of them."""
        if step_id is None:
            return self.steps
        ids = [step.id for step in self.steps]
        return self.steps[ids.index(step_id) + 1 :]

    def step(self, step_id: str) -> Step:
        """One step by its id; KeyError where the plan has none such."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise KeyError(step_id)

    def to_json(self) -> dict[str, Any]:
        """The form in which an enrollment stores it."""
        return {
            "version": 1,
            "sequence": self.sequence,
            "steps": [_step_to_json(step) for step in self.steps],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        """Read back what `to_json` wrote."""
        return cls(sequence=data["sequence"], steps=tuple(_step_from_json(step) for step in data["steps"]))


def _step_to_json(step: Step) -> dict[str, Any]:
    window = step.window and {
        "days": sorted(step.window.days),
        "start": step.window.start.isoformat(),
        "until": step.window.until.isoformat(),
    }
    return {
        "id": step.id,
        "email": step.email,
        "wait_s": step.wait.total_seconds(),
        "late_after_s": step.late_after.total_seconds(),
        "late_action": step.late_action.value,
        "locations": sorted(step.locations),
        "window": window,
    }


def _step_from_json(data: Mapping[str, Any]) -> Step:
    window = data["window"] and Window(
        days=frozenset(data["window"]["days"]),
        start=time.fromisoformat(data["window"]["start"]),
        until=time.fromisoformat(data["window"]["until"]),
    )
    return Step(
        id=data["id"],
        email=data["email"],
        wait=timedelta(seconds=data["wait_s"]),
        late_after=timedelta(seconds=data["late_after_s"]),
        late_action=LateAction(data["late_action"]),
        locations=frozenset(Location(location) for location in data["locations"]),
        window=window or None,
    )
