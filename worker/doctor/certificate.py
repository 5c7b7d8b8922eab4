"""How long a server's certificate is still good for."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta

from worker.doctor.finding import Check, Finding

SOON = timedelta(days=14)


def judge_end(check: Check, host: str, certificate: object, now: datetime) -> Finding:
    """`certificate` is what `getpeercert()` gives."""
    ends = certificate.get("notAfter") if isinstance(certificate, dict) else None
    if not isinstance(ends, str):
        return check.skipped(f"{host} shows no certificate")
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)
    text = f"the certificate of {host} is valid until {until:%Y-%m-%d}"
    return check.warning(text) if until - now < SOON else check.ok(text)
