"""One sentence of health, from figures: what an operator needs to know first. Ages and broken promises
make it bad news, not depths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MAX_BEAT_AGE_S = 60.0
MAX_WAIT_S = 300.0

UNKNOWN_POLICY = (
    "never repeated unasked: settled by the provider's key, look-up or news, or by `nurture sends resolve`; "
    "its sequence goes on after 24 hours"
)
"""What becomes of a send whose outcome is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the verdict rests on. Ages in seconds of real time; None where there is nothing to age."""

    broker_answers: bool
    beat_age_s: float | None
    consumers: Mapping[str, int]
    oldest_s: Mapping[str, float | None]
    due: int
    oldest_due_s: float | None
    parked: int
    unknown: int
    unknown_oldest_s: float | None
    held: int
    quarantined: int
    spool_oldest_s: float | None
    spool_set_aside: int
    has_content: bool
    paused: int
    unanswered: int = 0
    """Urgent messages of which staff were told again and again."""
    urgent: int = 0
    """Urgent messages, those too, that nobody has acknowledged."""
    provider_code: str | None = None
    provider_fails_s: float | None = None
    stopped_because: str | None = None
    stranded: int = 0
    """Active enrollments with nothing planned; counted for the status only, since it means looking at each."""
    sequences_stopped: int = 0
    mailboxes_silent: int = 0
    endpoints_failing: int = 0
    endpoints_paused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`ok`, and what to tell an operator."""

    ok: bool
    sentence: str


def verdict(figures: Figures) -> Verdict:
    """The sentence."""
    troubles = [text for is_so, text in _troubles(figures) if is_so]
    if troubles:
        return Verdict(
            ok=False, sentence="Needs attention: " + "; ".join([*_urgent(figures), *troubles, *_paused(figures)]) + "."
        )
    notes = [*_urgent(figures), *_paused(figures), *(text for is_so, text in _notes(figures) if is_so)]
    beat = f"beat {figures.beat_age_s:.0f} s ago" if figures.beat_age_s is not None else "no beat yet"
    return Verdict(ok=True, sentence=f"All clear: {'; '.join([*notes, beat])}.")


def queue_trouble(depth: int | None, oldest_s: float | None, workers: int, *, is_paused: bool) -> str | None:
    """What is wrong with one queue, in a few words: a promise about to be broken, never a mere depth."""
    if depth is None:
        return "the broker does not answer"
    if depth and not workers:
        return "messages wait, and nobody takes them"
    if oldest_s is not None and oldest_s > MAX_WAIT_S and not is_paused:
        return "the oldest waits too long"
    return None


_URGENT = ("urgent message", "urgent messages")


def _troubles(figures: Figures) -> list[tuple[bool, str]]:
    unserved = sorted(queue for queue, count in figures.consumers.items() if count == 0)
    waiting = sorted(queue for queue, age in figures.oldest_s.items() if age is not None and age > MAX_WAIT_S)
    beat = figures.beat_age_s
    return [
        (not figures.broker_answers, "the broker does not answer (posts are kept in the spool)"),
        (not figures.has_content, "no content is published"),
        (beat is None, "beat has not been seen"),
        (beat is not None and beat > MAX_BEAT_AGE_S, f"beat is silent for {beat or 0:.0f} s"),
        (bool(unserved), f"nobody consumes {', '.join(unserved)}"),
        (bool(waiting), f"messages wait too long on {', '.join(waiting)}"),
        ((figures.oldest_due_s or 0) > MAX_WAIT_S and not figures.paused,
         f"{figures.due} sends are due, the oldest for {figures.oldest_due_s or 0:.0f} s"),
        ((figures.spool_oldest_s or 0) > MAX_WAIT_S, "submissions wait in the spool for the database"),
        (figures.stopped_because is not None, f"sending was stopped: {figures.stopped_because}"),
        (figures.provider_fails_s is not None,
         f"the mail provider fails for {figures.provider_fails_s or 0:.0f} s ({figures.provider_code})"),
        *((count > 0, f"{_counted(count, *words)}{more}") for count, words, more in _counts(figures)),
    ]  # fmt: skip


def _counts(figures: Figures) -> list[tuple[int, tuple[str, str], str]]:
    """What is counted, in words for one and for many."""
    return [
        (figures.sequences_stopped, ("sequence stopped by itself", "sequences stopped by themselves"), ""),
        (figures.mailboxes_silent, ("mailbox can't be read", "mailboxes can't be read"), ""),
        (figures.endpoints_failing,
         ("system does not take what it is told", "systems do not take what they are told"), ""),
        (figures.spool_set_aside, ("spool file was set aside", "spool files were set aside"), ""),
        (figures.unanswered, _URGENT, " that nobody has acknowledged"),
        (figures.parked, ("parked", "parked"), ""),
        (figures.unknown, ("send", "sends"),
         f" with an unknown outcome, the oldest for {_length(figures.unknown_oldest_s or 0)}"),
        (figures.stranded, ("person", "people"), " in a sequence have nothing planned"),
    ]  # fmt: skip


def _length(seconds: float) -> str:
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _urgent(figures: Figures) -> list[str]:
    """A person may be in danger: told before whatever is broken, once."""
    is_told = figures.urgent and not figures.unanswered
    return [_counted(figures.urgent, *_URGENT) + " to be looked at now"] if is_told else []


def _paused(figures: Figures) -> list[str]:
    """No trouble, and told with each of them: whoever looks for lost emails should find it first."""
    return [_counted(figures.paused, "pause", "pauses") + " in force"] if figures.paused else []


def _notes(figures: Figures) -> list[tuple[bool, str]]:
    return [
        (figures.due > 0, f"{figures.due} sends due"),
        (figures.held > 0, f"{figures.held} held"),
        (figures.quarantined > 0, f"{figures.quarantined} in quarantine"),
        (
            figures.endpoints_paused > 0,
            _counted(figures.endpoints_paused, "system is told nothing (paused)", "systems are told nothing (paused)"),
        ),
    ]
