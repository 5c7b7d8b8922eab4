"""Tokens for other programs: what one of them may do. A token is shown once; only its hash is kept."""

from __future__ import annotations

import hashlib
from enum import StrEnum

PREFIX = "nurture_"
"""So that a scanner of leaked secrets, and a person, can tell what it is."""


class TokenScope(StrEnum):
    """`EVENTS`: tell what happened to leads. `HOOKS`: post forms as a vendor's webhook."""

    EVENTS = "events"
    HOOKS = "hooks"


def hash_of(token: str) -> str:
    """The hash by which a token is found. It holds 256 random bits, so a plain hash can't be turned back."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
