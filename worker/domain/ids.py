"""Identifiers: stable ones are derived, so that doing a thing twice names the same thing.

A send's id is a function of its enrollment and step; its Message-ID and provider idempotency key come
from it, so every attempt at one send carries the same identity. A submission posted with an
idempotency key gets its id from that key.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from typing import NewType
from uuid import UUID, uuid5

SubmissionId = NewType("SubmissionId", str)
SendId = NewType("SendId", str)

_NAMESPACE = UUID("6f6c1f0e-7a4d-5d0a-9a55-3f6d1c0b8e21")
_AS_WE_WRITE_THEM = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id() -> str:
    """A fresh UUIDv7 (RFC 9562): sorts by time of creation, so that indexes grow at one end."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & (1 << 48) - 1) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(UUID(int=value))


def is_id(text: str) -> bool:
    """True when a text is a UUID as we write them; anything else names nothing of ours."""
    return _AS_WE_WRITE_THEM.fullmatch(text) is not None


def submission_id(form: str, idempotency_key: str | None) -> SubmissionId:
    """The id of a submission; the same form and key give the same id."""
    if idempotency_key is None:
        return SubmissionId(new_id())
    return SubmissionId(str(uuid5(_NAMESPACE, f"submission/{form}/{idempotency_key}")))


def acknowledgement_id(submission: str) -> SendId:
    """The id of the acknowledgement that a submission causes."""
    return SendId(str(uuid5(_NAMESPACE, f"acknowledgement/{submission}")))


def step_send_id(enrollment: str, step: str) -> SendId:
    """The id of the send of one step of one enrollment."""
    return SendId(str(uuid5(_NAMESPACE, f"send/{enrollment}/{step}")))


def alert_id(kind: str, subject: str) -> str:
    """The id of the staff alert of one kind about one thing; the same alert is never queued twice."""
    return str(uuid5(_NAMESPACE, f"alert/{kind}/{subject}"))


def reference(submission: str) -> str:
    """The short reference that a person can read out on the phone, as `TAC-7Q4F-K2MD` (40 bits).

    Not unique by construction: look-ups by reference refuse an ambiguous one and ask for the id.
    """
    number = int.from_bytes(hashlib.sha256(f"reference/{submission}".encode()).digest()[:5], "big")
    letters = "".join(_CROCKFORD[number >> shift & 31] for shift in range(35, -1, -5))
    return f"TAC-{letters[:4]}-{letters[4:]}"
