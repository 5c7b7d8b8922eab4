"""A made-up past: rows of leads, emails and what came back, put into the ledger behind the product's back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import insert

from tests.support.world import World
from worker.domain.events import LeadEvent
from worker.domain.feedback import EventKind
from worker.domain.ids import new_id
from worker.domain.leads import Condition, Location
from worker.domain.sends import SendKind, SendState
from worker.storage import tables
from worker.storage.timeline import Happened

SEQUENCES = {Condition.PTSD: "ptsd", Condition.DEPRESSION: "depression"}
KINDS = [EventKind.DELIVERED] * 6 + [EventKind.SOFT_BOUNCE, EventKind.HARD_BOUNCE, EventKind.COMPLAINED]


def make_history(world: World, seed: int, leads: int, until: datetime, days: int) -> None:
    """So many leads, spread over the days before an instant, with everything that a report counts."""
    rng = Random(seed)
    rows: dict[str, list[dict[str, Any]]] = {"leads": [], "sends": [], "delivery_events": [], "timeline": []}
    for number in range(leads):
        lead = _lead(world, rng, number, until - timedelta(days=days) * rng.random())
        rows["leads"].append(lead)
        rows["timeline"] += _story(rng, lead)
        for step in range(rng.randrange(4)):
            send = _send(rng, lead, step, min(lead["created_at"] + timedelta(days=rng.random() * 9), until))
            rows["sends"].append(send)
            if send["state"] == SendState.SENT:
                rows["delivery_events"] += _news(rng, send)
                rows["timeline"] += _unsubscribe(rng, send)
            elif send["state"] == SendState.FAILED and rng.random() < 0.5:
                rows["delivery_events"].append(_event(send, EventKind.HARD_BOUNCE, send["due_at"]))
    with world.database.write() as connection:
        for name, some in rows.items():
            if some:
                connection.execute(insert(tables.metadata.tables[name]), some)


def _lead(world: World, rng: Random, number: int, at: datetime) -> dict[str, Any]:
    lead_id = new_id()
    condition = rng.choice([*SEQUENCES, Condition.CRPS])
    sealed = world.services.ring.seal(f"person{number}@{rng.choice(['gmail.com', 'example.com'])}".encode(),
                                      f"leads.email/{lead_id}")  # fmt: skip
    return {
        "id": lead_id,
        "reference": f"TAC-{number:08d}",
        "email_hash": f"{number:064d}",
        "email_sealed": sealed,
        "location": rng.choice(list(Location)),
        "location_reason": "explicit",
        "condition": condition,
        "conditions": [],
        "sequence": SEQUENCES.get(condition),
        "sequence_reason": "made up",
        "status": "new",
        "is_test": rng.random() < 0.1,
        "created_at": at,
    }


def _story(rng: Random, lead: dict[str, Any]) -> list[dict[str, Any]]:
    told = []
    if rng.random() < 0.6:
        told.append(
            _entry(
                lead["id"],
                lead["created_at"],
                Happened.ANSWERED,
                after_working_minutes=rng.choice([3, 15, 16, 45, 119, 121, 900]),
            )
        )
        if rng.random() < 0.2:
            told.append(_entry(lead["id"], lead["created_at"], Happened.ANSWERED, after_working_minutes=1))
    for event in LeadEvent:
        if rng.random() < 0.2:
            told += [_entry(lead["id"], lead["created_at"], Happened.EVENT, event=event)] * rng.randrange(1, 3)
    return told


def _entry(lead_id: str, at: datetime, kind: Happened, **detail: Any) -> dict[str, Any]:
    return {"lead_id": lead_id, "at": at, "actor": "system", "kind": kind, "detail": detail}


def _send(rng: Random, lead: dict[str, Any], step: int, at: datetime) -> dict[str, Any]:
    state = rng.choice([SendState.SENT] * 4 + [SendState.FAILED, SendState.PLANNED])
    return {
        "id": new_id(),
        "lead_id": lead["id"],
        "kind": SendKind.NURTURE if step else SendKind.ACKNOWLEDGEMENT,
        "email": f"{lead['condition']}-{step}" if step else "acknowledgement",
        "location": lead["location"],
        "sequence": lead["sequence"] if step else None,
        "state": state,
        "due_at": at,
        "first_due_at": at,
        "sent_at": at if state == SendState.SENT else None,
        "provider": rng.choice(["smtp", "ses"]) if state != SendState.PLANNED else None,
    }


def _news(rng: Random, send: dict[str, Any]) -> list[dict[str, Any]]:
    kinds: Sequence[EventKind] = rng.choices(KINDS, k=rng.randrange(3))
    return [_event(send, kind, send["sent_at"] + timedelta(days=rng.random() * 5)) for kind in kinds]


def _event(send: dict[str, Any], kind: EventKind, at: datetime) -> dict[str, Any]:
    return {"source": "ses", "event_hash": f"{new_id():>64}", "send_id": send["id"], "lead_id": send["lead_id"],
            "kind": kind, "code": "", "at": at}  # fmt: skip


def _unsubscribe(rng: Random, send: dict[str, Any]) -> list[dict[str, Any]]:
    if rng.random() < 0.9:
        return []
    return [_entry(send["lead_id"], send["sent_at"], Happened.UNSUBSCRIBED, send_id=send["id"])]
