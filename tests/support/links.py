"""Links in emails as somebody would make them who has seen some, and does not have our key."""

from __future__ import annotations


def with_another_signature(link: str) -> str:
    """Never the same as the real one, whatever that is."""
    head, _, signature = link.rpartition(".")
    return f"{head}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"
