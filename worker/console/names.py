"""What people call places, sequences and emails: the names of the published content, never its ids."""

from __future__ import annotations

from dataclasses import dataclass

from worker.console.studio.words import LOCATIONS
from worker.console.words import label
from worker.content.catalog import Catalog
from worker.domain.leads import Location
from worker.storage.pauses import PauseScope


@dataclass(frozen=True, slots=True)
class Names:
    """Names as they are published now; a code that is not there any more is told as words."""

    catalog: Catalog | None

    def place(self, code: str) -> str:
        """`Albany`."""
        return LOCATIONS[Location(code)] if code in set(Location) else label(code)

    def sequence(self, code: str | None) -> str:
        """`IV ketamine`; a dash for none."""
        found = self.catalog.sequences.get(code or "") if self.catalog else None
        return found.name if found else label((code or "–").replace("-", " "))

    def email(self, code: str) -> str:
        """Its subject."""
        found = self.catalog.emails.get(code) if self.catalog else None
        return found.subject if found else label(code.replace("-", " "))

    def email_alone(self, code: str) -> str:
        """Its subject where no sequence stands beside it: with its sequences where another email is called the same."""
        subject = self.email(code)
        if self.catalog is None or sum(email.subject == subject for email in self.catalog.emails.values()) < 2:
            return subject
        return f"{subject} ({', '.join(one.name for one in self.catalog.sequences_with(code)) or label(code)})"

    def paused(self, scope: str, value: str | None) -> str:
        """What a pause stops: `sequence IV ketamine`."""
        match scope:
            case PauseScope.ALL:
                return "everything"
            case PauseScope.EPOCH:
                return "everything, until this database is confirmed"
            case PauseScope.LOCATION:
                return f"location {self.place(value or '')}"
            case PauseScope.SEQUENCE:
                return f"sequence {self.sequence(value)}"
        return f"the queue {value}"
