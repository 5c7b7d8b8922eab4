"""The crisis patterns of `safety.toml`, with a quick look at which of them may occur in a text.

Python tries one pattern after another, which takes longer than all the rest of a post. RE2 looks for all of them at
once; it only ever says what is worth trying, and Python decides, so that the answer is the same. What the two might
read differently is always tried.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate

import re2

from worker.content.tables import Table
from worker.domain.safety import CrisisPatterns, PatternFamily

_PLAIN = r"[^()\[\]\\]|\\."
_LOOK_AROUND = re.compile(rf"\(\?[=!](?:{_PLAIN}|\((?:{_PLAIN}|\((?:{_PLAIN})*\))*\))*\)")
"""RE2 has none. Without it a pattern occurs wherever it occurred before, and in more places."""

_READ_ALIKE = re.compile(
    r"(?:[a-z0-9 |)$^.?*+]|\\[bwds]|\((?!\?)|\(\?:|\{\d+(?:,\d*)?\}|\[\^?(?:[a-z0-9 ]|[a-z0-9]-[a-z0-9])+\])*"
)
"""What means the same to Python and to RE2, in a text of plain lower-case words."""

_NOTHING = b""
"""A pattern that occurs in every text: where it is not found, RE2 gave up for want of memory."""


def load_safety(table: Table) -> CrisisPatterns:
    """The patterns; those that are none are told as problems."""
    families = [_patterns(table, key) for key in ("acute", "review", "benign")]
    table.done()
    every = Candidates([pattern.pattern for family in families for pattern in family])
    ends = list(accumulate(map(len, families)))
    acute, review, benign = (_family(every, family, end) for family, end in zip(families, ends, strict=True))
    return CrisisPatterns(acute=acute, review=review, benign=benign, may_occur=lambda text: bool(every(text)))


def _patterns(table: Table, key: str) -> tuple[re.Pattern[str], ...]:
    patterns = []
    for text in table.texts(key):
        try:
            patterns.append(re.compile(text))
        except re.error as error:
            table.problem(key, f"has a pattern that is not a regular expression ({error}): {text}")
    return tuple(patterns)


def _family(every: Candidates, patterns: tuple[re.Pattern[str], ...], end: int) -> PatternFamily:
    """These, which end before a number among all: one set in memory serves the three families."""
    begin = end - len(patterns)
    return PatternFamily(patterns, lambda text: [number - begin for number in every(text) if begin <= number < end])


class Candidates:
    """Which of these patterns may occur in a normalised text."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._all = range(len(patterns))
        self._always: list[int] = []
        self._numbers: list[int] = []
        options = re2.Options()
        options.log_errors = False
        self._set = re2.Set.SearchSet(options)
        self._nothing = self._set.Add(_NOTHING)
        for number, pattern in enumerate(patterns):
            (self._numbers if self._add(pattern) else self._always).append(number)
        self._is_ready = self._compile()

    def __call__(self, text: str) -> Sequence[int]:
        """Their numbers, ascending."""
        found = self._set.Match(text.encode()) if self._is_ready else None
        if found is None:
            return self._all
        return sorted([*self._always, *(self._numbers[index - 1] for index in found if index != self._nothing)])

    def _add(self, pattern: str) -> bool:
        """Whether RE2 looks for it from now on."""
        plainer = _LOOK_AROUND.sub("(?:)", pattern)
        if not _READ_ALIKE.fullmatch(plainer):
            return False
        try:
            self._set.Add(plainer)
        except re2.error:
            return False
        return True

    def _compile(self) -> bool:
        try:
            self._set.Compile()
        except re2.error:  # more than its memory takes
            return False
        return True
