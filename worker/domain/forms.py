"""Registered forms: where a post may come from, where it goes back to, and the consent wording it shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from worker.domain.leads import Language, Location

SANDBOX = "sandbox"
"""The practice form, whose leads are tests also where its entry does not say so."""

CAPTCHA_FIELD = "cf-turnstile-response"
"""Where a browser puts what it got from the CAPTCHA."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCheck:
    """What the token of a rendered form tells: its nonce and time (Unix seconds) when it is ours, and why it is
    suspicious."""

    nonce: str | None = None
    suspicion: str | None = None
    issued_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One entry of `forms.toml`. `thank_you` is a registered address, so that no post can redirect elsewhere. Who
    posts it is answered in its `language`; `translation` is the same form in the other one.

    `fields` says by which labels or ids a foreign form asks for ours; leads of a `sandbox` are tests.
    """

    key: str
    name: str
    origins: tuple[str, ...]
    thank_you: str | None
    default_location: Location | None
    consent_wording: str
    consent_version: str
    captcha: bool = False
    sandbox: bool = False
    language: Language = Language.ENGLISH
    translation: str | None = None
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def thank_you_origin(self) -> str | None:
        """Where a post to this form may be sent on to."""
        if self.thank_you is None:
            return None
        parts = urlsplit(self.thank_you)
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else None


def unnamed_wordings(before: Mapping[str, Form], after: Mapping[str, Form]) -> list[str]:
    """The keys of forms whose consent says something else now under the version that people agreed to before."""
    return sorted(
        key
        for key, form in after.items()
        if key in before
        and form.consent_version == before[key].consent_version
        and form.consent_wording != before[key].consent_wording
    )
