"""Every provider whose webhook we understand, by name: one line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from worker.errors import ConfigurationError
from worker.feedback import mailgun, postmark, resend, sendgrid, ses
from worker.feedback.base import FeedbackSource, Reading
from worker.feedback.mailgun import MailgunFeedback
from worker.feedback.postmark import PostmarkFeedback
from worker.feedback.resend import ResendFeedback
from worker.feedback.sendgrid import SendgridFeedback
from worker.feedback.ses import SesFeedback

SOURCES: Mapping[str, Callable[[str], FeedbackSource]] = {
    "ses": SesFeedback,
    "postmark": PostmarkFeedback,
    "mailgun": MailgunFeedback,
    "resend": ResendFeedback,
    "sendgrid": SendgridFeedback,
}


_READERS: Mapping[str, Callable[[bytes], Reading]] = {
    "ses": ses.read,
    "postmark": postmark.read,
    "mailgun": mailgun.read,
    "resend": resend.read,
    "sendgrid": sendgrid.read,
}


def read_again(name: str, body: bytes) -> Reading | None:
    """What a verified post said that was kept; None for a source that posts nothing. Needs no secret."""
    return _READERS[name](body) if name in _READERS else None


def open_sources(secrets: Mapping[str, str]) -> dict[str, FeedbackSource]:
    """The providers that are heard. Raises ConfigurationError, which never quotes a secret."""
    return {name: _open(name, secret) for name, secret in secrets.items()}


def _open(name: str, secret: str) -> FeedbackSource:
    try:
        return SOURCES[name](secret)
    except Exception as error:  # whatever a library thinks of a key that is none
        raise ConfigurationError(
            "NRT-E040",
            f"NURTURE_FEEDBACK_SECRET_{name.upper()} is not what {name} gives out ({type(error).__name__})",
            "copy it again from the provider's page of webhooks; see docs/operators/feedback.md",
        ) from None
