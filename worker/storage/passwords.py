"""Passwords as argon2id hashes. Each check takes as long and as much memory for an unknown name as for a known one."""

from __future__ import annotations

import threading
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_AT_ONCE = threading.BoundedSemaphore(2)
"""Each takes 64 MiB: a flood of sign-ins shall wait, not fill the machine."""


class Passwords:
    """Hashes and checks passwords; the cost is RFC 9106's for machines with little memory to spare."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()

    def hash(self, password: str) -> str:
        """What is stored of a password."""
        with _AT_ONCE:
            return self._hasher.hash(password)

    def is_right(self, stored: str | None, password: str) -> bool:
        """True when this is the password. With nothing stored it is not, and takes as long to say so."""
        with _AT_ONCE:
            try:
                self._hasher.verify(stored or self._nobodys, password)
            except (VerificationError, InvalidHashError):
                return False
        return stored is not None

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash("the password of nobody")
