"""The form's token: signed with the time it was rendered, to notice posts that no person made (time trap).

A post without one is not suspicious (other people's forms have none); a forged or too quick one is.
"""

from __future__ import annotations

import time
from uuid import uuid4

from worker.domain.forms import TokenCheck
from worker.storage.sealing import KeyRing

MIN_SECONDS = 2.0
_PURPOSE = "form"


def new_token(ring: KeyRing, issued_at: int | None = None) -> tuple[str, str]:
    """A fresh nonce and its token; a form shown again keeps the age of the first, since people mend quickly."""
    nonce = uuid4().hex
    issued = f"{nonce}.{int(time.time()) if issued_at is None else issued_at}"
    return nonce, f"{issued}.{ring.sign(issued, _PURPOSE)}"


def check_token(token: str, nonce: str, ring: KeyRing) -> TokenCheck:
    """Judge the token that came with a post; `nonce` is the form's idempotency key."""
    if not token:
        return TokenCheck()
    issued, _, signature = token.rpartition(".")
    ours, _, at = issued.partition(".")
    if not ring.has_signed(issued, signature, _PURPOSE) or (nonce and nonce != ours):
        return TokenCheck(suspicion="token.forged")
    too_quick = time.time() - int(at) < MIN_SECONDS
    return TokenCheck(nonce=ours, suspicion="token.too_quick" if too_quick else None, issued_at=int(at))
