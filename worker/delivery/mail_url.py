"""Read a `MAIL_URL` of the form `scheme://credentials@host?options`; every provider but SMTP uses it.

What is wrong is said without quoting the URL, since it holds credentials.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import parse_qsl, unquote, urlsplit

from worker.errors import ConfigurationError

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailUrl:
    """The parts of the URL. `user` is the API key, or the key's id where there is a secret beside it."""

    scheme: str
    user: str = field(repr=False)
    password: str = field(repr=False)
    host: str
    options: dict[str, str]

    @property
    def account(self) -> str:
        """The provider and a fingerprint of the key: two keys count as two accounts, which errs on the safe side."""
        return f"{self.scheme}.{hashlib.sha256(self.user.encode()).hexdigest()[:12]}"

    def base(self, usual: str) -> str:
        """Where requests go: the provider's own address, or `endpoint`, which tests and proxies set."""
        return self.options.get("endpoint", usual).rstrip("/")


def read_mail_url(url: str, shape: str, options: Collection[str] = (), *, has_secret: bool = False) -> MailUrl:
    """The parts of a URL of this shape. Raises ConfigurationError."""
    try:
        parts = urlsplit(url)
        given = dict(parse_qsl(parts.query, strict_parsing=True) if parts.query else [])
        host = parts.netloc.rpartition("@")[2].lower()
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
    except ValueError:
        _refuse(shape)
    if not user or not host or has_secret != bool(password) or parts.path.strip("/"):
        _refuse(shape)
    if not f"{user}{password}{host}".isascii() or any(character.isspace() for character in user + password):
        _refuse(shape)
    if given.keys() - {*options, "endpoint"}:
        allowed = ", ".join(sorted(options)) or "none"
        raise ConfigurationError("NRT-E024", "MAIL_URL has an option that is not known", f"it may have: {allowed}")
    _check_endpoint(given.get("endpoint"), shape)
    return MailUrl(scheme=parts.scheme, user=user, password=password, host=host, options=given)


def _check_endpoint(endpoint: str | None, shape: str) -> None:
    if endpoint is None:
        return
    parts = urlsplit(endpoint)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        _refuse(shape)
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ConfigurationError("NRT-E021", "MAIL_URL would send health mail in clear", "use an https endpoint")


def _refuse(shape: str) -> NoReturn:
    raise ConfigurationError(
        "NRT-E024",
        "MAIL_URL is not complete for its provider",
        f"write {shape}; percent-encode any of : / ? # @ % in the credentials",
    )
