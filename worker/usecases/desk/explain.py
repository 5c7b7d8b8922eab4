"""What happened to this lead, why, and what comes next: one story from the timeline, without contact data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from worker.domain.sends import SendState
from worker.storage import enrollments, leads, sends, timeline

_WAITING = (SendState.PLANNED, SendState.CLAIMED, SendState.HELD, SendState.UNKNOWN, SendState.HANDED_OVER)


def explain(connection: Connection, lead_id: str) -> dict[str, Any]:
    """`{"lead", "route", "timeline", "next"}` as values that JSON can hold; instants are ISO with offset."""
    lead = leads.by_ids(connection, [lead_id])[lead_id]
    all_sends, entries = sends.of_lead(connection, lead_id), timeline.of_lead(connection, lead_id)
    return {
        "lead": public_lead(lead),
        "route": {
            "location": lead["location"],
            "sequence": lead["sequence"],
            "reason": f"location by {lead['location_reason']}; sequence: {lead['sequence_reason']}",
        },
        "timeline": [
            {"at": entry["at"].isoformat(), "what": entry["kind"], "by": entry["actor"], **entry["detail"]}
            for entry in entries
        ],
        "next": _next(connection, lead_id, all_sends, entries),
    }


def public_lead(lead: Mapping[str, Any]) -> dict[str, Any]:
    """A lead as lists show it: no contact data."""
    return {
        "id": lead["id"],
        "reference": lead["reference"],
        "location": lead["location"],
        "condition": lead["condition"],
        "treatment": lead["treatment"],
        "sequence": lead["sequence"],
        "status": lead["status"],
        "hold": lead["hold_reason"],
        "hold_until": lead["hold_until"].isoformat() if lead["hold_until"] else None,
        "has_email": lead["email_hash"] is not None,
        "has_phone": lead["phone_hash"] is not None,
        "is_test": lead["is_test"],
        "created_at": lead["created_at"].isoformat(),
    }


def public_send(send: Mapping[str, Any]) -> dict[str, Any]:
    """A send as lists show it."""
    times = {
        name: send[name].isoformat() if send[name] else None
        for name in ("due_at", "sent_at", "handed_over_at", "held_until")
    }
    return {
        "id": send["id"],
        "lead_id": send["lead_id"],
        "kind": send["kind"],
        "email": send["email"],
        "step": send["step"],
        "sequence": send["sequence"],
        "location": send["location"],
        "state": send["state"],
        "reason": send["reason"],
        **times,
        "attempts": send["attempts"],
        "provider": send["provider"],
        "snapshot": send["snapshot"],
        "last_code": send["last_code"],
    }


def _next(
    connection: Connection,
    lead_id: str,
    all_sends: Sequence[Mapping[str, Any]],
    entries: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    waiting = [send for send in all_sends if send["state"] in _WAITING]
    if waiting:
        return public_send(waiting[0])
    ended = enrollments.of_lead(connection, lead_id)
    if ended:
        return {"nothing": ended[-1]["exit_reason"] or ended[-1]["status"]}
    reasons = [entry["detail"]["reason"] for entry in entries if entry["kind"] == timeline.Happened.NOT_ENROLLED]
    return {"nothing": reasons[-1] if reasons else "not_enrolled"}
