"""A provider's HTTP API: does it answer, does it take our credentials. It is only asked, by a GET that it documents."""

from __future__ import annotations

from collections.abc import Iterator

from worker.delivery.api import ApiProvider
from worker.doctor.catalogue import LOGIN, MAIL_SERVER
from worker.doctor.finding import Finding

_MAY_ONLY_SEND = {"restricted_api_key", "AccessDeniedException"}
"""Words of Resend and Amazon for credentials that are good and may do nothing but send, as it should be."""


def check_mail_api(provider: ApiProvider) -> Iterator[Finding]:
    """The provider's sentences stay out of the findings: they may quote the key."""
    answer = provider.check_credentials()
    if answer is None:
        yield MAIL_SERVER.failed(f"{provider.name} does not answer")
        return
    yield MAIL_SERVER.ok(f"{provider.name} answers")
    yield _judge(provider.name, *answer)


def _judge(name: str, status: int, word: str) -> Finding:
    if 200 <= status < 300 or word in _MAY_ONLY_SEND:
        return LOGIN.ok(f"{name} takes our credentials")
    if status in {401, 403}:
        return LOGIN.failed(f"{name} refuses our credentials, or they may not ask ({status})")
    return LOGIN.warning(f"{name} answers {status}, so nothing can be told of our credentials")
