"""In which language a person is spoken to: decided here alone, for every public page."""

from __future__ import annotations

from worker.domain.leads import Language


def page_language(*, asked: str = "", own: Language | None = None, accepted: str = "") -> Language:
    """What was asked for (`?lang=`), else the language that is known to be theirs, else what the browser accepts."""
    if asked in set(Language):
        return Language(asked)
    return own or _accepted(accepted)


def _accepted(header: str) -> Language:
    """The first language of an Accept-Language header that we speak, the most wanted first; else English."""
    wanted = []
    for part in header[:200].split(","):
        name, _, weight = part.strip().partition(";")
        language = name.strip().lower().partition("-")[0]
        if language in set(Language):
            wanted.append((_weight(weight), Language(language)))
    best, language = max(wanted, key=lambda one: one[0], default=(0.0, Language.ENGLISH))
    return language if best > 0 else Language.ENGLISH


def _weight(text: str) -> float:
    name, _, number = text.strip().partition("=")
    try:
        return float(number) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
