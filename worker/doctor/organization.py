"""Alignment as of RFC 9989: the organizational domain is found by walking up the tree, not by a list of suffixes."""

from __future__ import annotations

from collections.abc import Callable

_LONGEST_WALK = 8
Records = Callable[[str], list[str]]


def organizational_domain(domain: str, records_at: Records) -> str:
    """The organizational domain (section 4.10.2). `records_at` gives the TXT records of a name."""
    labels = domain.lower().rstrip(".").split(".")
    found = domain
    for start in range(len(labels)):
        if start and len(labels) - start >= _LONGEST_WALK:
            continue  # of a very long name, only the last seven labels are asked for
        name = ".".join(labels[start:])
        record = _dmarc(records_at(f"_dmarc.{name}"))
        if record is None:
            continue
        match _tag(record, "psd"):
            case "n":
                return name
            case "y":
                return ".".join(labels[max(0, start - 1) :])
        found = name
    return found


def is_aligned(one: str, other: str, *, strict: bool, records_at: Records) -> bool:
    """True when a receiver takes the two domains for one sender's."""
    one, other = one.lower().rstrip("."), other.lower().rstrip(".")
    if one == other or strict:
        return one == other
    return organizational_domain(one, records_at) == organizational_domain(other, records_at)


def _dmarc(records: list[str]) -> str | None:
    ours = [record for record in records if record.replace(" ", "").upper().startswith("V=DMARC1")]
    return ours[0] if len(ours) == 1 else None


def _tag(record: str, name: str) -> str | None:
    pairs = (part.partition("=") for part in record.split(";"))
    return next((value.strip().lower() for key, _, value in pairs if key.strip().lower() == name), None)
