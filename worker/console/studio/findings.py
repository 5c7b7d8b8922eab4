"""What lint says, remembered for the version of the content that it was said of."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from datetime import date
from typing import Protocol

from worker.console.studio.drafts import Draft
from worker.console.studio.views.source import Fault, Found
from worker.content.render import Renderer

_KEPT = 64


class Lint(Protocol):
    """The engine of lint, as this package needs it."""

    def __call__(self, renderer: Renderer, today: date, *, emails: Collection[str] | None = None) -> Sequence[Found]:
        """What is wrong with some emails, or with everything."""


class Findings:
    """Asks lint once for each version and email."""

    def __init__(self, lint: Lint | None, today: Callable[[], date]) -> None:
        self._lint, self._today = lint, today
        self._kept: OrderedDict[tuple[str, str, date], tuple[Found, ...]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def is_there(self) -> bool:
        """Whether anybody looks."""
        return self._lint is not None

    def known(self, draft: Draft, email: str = "") -> tuple[Found, ...] | None:
        """What is known already; None where lint would have to look first. Faults of the files are always known."""
        if draft.problems:
            return tuple(Fault.of(problem) for problem in draft.problems)
        return self._kept.get((draft.version, email, self._today()))

    def needs_time(self, draft: Draft, email: str = "") -> bool:
        """Whether lint would have to read first."""
        return self.is_there and draft.renderer is not None and self.known(draft, email) is None

    def of(self, draft: Draft, email: str = "") -> tuple[Found, ...]:
        """What is wrong with one email, or with everything."""
        known = self.known(draft, email)
        if known is not None or self._lint is None or draft.renderer is None:
            return known or ()
        today = self._today()
        found = tuple(self._lint(draft.renderer, today, emails={email} if email else None))
        with self._lock:
            self._kept[draft.version, email, today] = found
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found
