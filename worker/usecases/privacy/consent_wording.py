"""The exact words that a person agreed to: found again by form and version in the content that was published.

Published content is kept for ever (I7), so the words of every version are, too.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from worker.content.snapshots import unpack
from worker.storage import contents

Shown = tuple[str, str]
"""A form and the version of its wording."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A consent wording, and the published content in which it stands last."""

    text: str
    snapshot: str


def find_wordings(connection: Connection, wanted: Collection[Shown]) -> Mapping[Shown, tuple[Wording, ...]]:
    """For each form and version, every wording that was ever published under it; more than one is a fault of the
    content (a changed text needs a new version), and none means that it was never published here."""
    found: dict[Shown, dict[str, Wording]] = {shown: {} for shown in wanted}
    for snapshot, packed in contents.every_packed(connection):
        forms = tomllib.loads(unpack(packed).get("forms.toml", "")).get("forms", {})
        for form, version in wanted:
            row = forms.get(form, {})
            if row.get("consent_version") == version:
                text = str(row["consent_wording"]).strip()
                found[form, version].setdefault(text, Wording(text=text, snapshot=snapshot))
    return {shown: tuple(texts.values()) for shown, texts in found.items()}
