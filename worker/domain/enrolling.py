"""Whether a lead may be put into its sequence: one answer for people who are new and people who are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from worker.domain.consent import SuppressionScope

NEW = "new"
"""The status of a lead that is neither booked, a patient, nor stopped."""


def obstacle(
    lead: Mapping[str, Any], *, has_consent: bool, suppressions: frozenset[SuppressionScope], is_enrolled: bool
) -> str | None:
    """Why a lead can't be enrolled now, or None (I3, I9)."""
    obstacles = {
        "no_email_address": lead["email_hash"] is None,
        "out_of_area": lead["sequence"] is None,
        f"lead_is_{lead['status']}": lead["status"] != NEW,
        "no_consent": not has_consent,
        "suppressed": bool(suppressions),
        "already_enrolled": is_enrolled,
    }
    return next((reason for reason, is_so in obstacles.items() if is_so), None)
