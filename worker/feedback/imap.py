"""A mailbox read over IMAP, without touching it: `keep` reads only what is new, `delete` removes what was ours.

Nothing is marked as read, since people may read the same mailbox. TLS is verified.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from imapclient import IMAPClient, SocketTimeout

from worker.errors import ConfigurationError

_TIMEOUT = SocketTimeout(connect=5, read=15)
_MAX_BYTES = 1024 * 1024
"""Of one mail: what matters stands at its front, and an attachment may be any size."""


class OpenMailbox(Protocol):
    """A mailbox while the connection lasts."""

    uid_validity: int

    def uids_after(self, uid: int) -> list[int]:
        """What is newer than this, oldest first."""

    def uids_since(self, day: date) -> list[int]:
        """What came on this day or later, oldest first."""

    def read(self, uid: int) -> bytes | None:
        """One mail, its front at least; None where it has gone."""

    def remove(self, uid: int) -> None:
        """Delete a mail, where this mailbox is for the product alone; else leave it as it is."""


@dataclass(frozen=True, slots=True)
class ImapMailbox:
    """Where, as whom, which folder. `key` names it in the database, without telling any of that."""

    host: str
    port: int
    user: str
    password: str
    folder: str
    has_tls: bool
    removes: bool

    def __repr__(self) -> str:
        return "ImapMailbox(…)"

    @property
    def key(self) -> str:
        """The same for the same mailbox, whatever its password."""
        return hashlib.sha256(f"{self.host}:{self.port}/{self.user}/{self.folder}".encode()).hexdigest()

    @contextmanager
    def open(self) -> Iterator[OpenMailbox]:
        """Log in and select the folder. Raises IMAPClientError or OSError, whose words are never logged."""
        context = ssl.create_default_context() if self.has_tls else None
        with IMAPClient(self.host, self.port, ssl=self.has_tls, ssl_context=context, timeout=_TIMEOUT) as client:
            self._log_in(client)
            selected = client.select_folder(self.folder, readonly=not self.removes)
            yield _Open(client, int(selected[b"UIDVALIDITY"]), self.removes)

    def _log_in(self, client: IMAPClient) -> None:
        """By the way that takes names and passwords of any characters, where the server offers it."""
        if client.has_capability("AUTH=PLAIN"):
            client.plain_login(self.user, self.password)
        else:
            client.login(self.user, self.password)


class _Open:
    def __init__(self, client: IMAPClient, uid_validity: int, removes: bool) -> None:
        self._client, self.uid_validity, self._removes = client, uid_validity, removes

    def uids_after(self, uid: int) -> list[int]:
        found = self._client.search(["UID", f"{uid + 1}:*"])  # "*" is the last one, however old
        return sorted(int(each) for each in found if int(each) > uid)

    def uids_since(self, day: date) -> list[int]:
        return sorted(int(each) for each in self._client.search(["SINCE", day]))

    def read(self, uid: int) -> bytes | None:
        data = self._client.fetch([uid], [f"BODY.PEEK[]<0.{_MAX_BYTES}>"]).get(uid, {})
        return next((bytes(value) for name, value in data.items() if bytes(name).startswith(b"BODY[]")), None)

    def remove(self, uid: int) -> None:
        if self._removes:
            self._client.delete_messages([uid], silent=True)
            self._client.uid_expunge([uid]) if self._client.has_capability("UIDPLUS") else self._client.expunge()


def open_mailboxes(urls: str, *, production: bool) -> list[ImapMailbox]:
    """The mailboxes of a setting, separated by commas. Raises ConfigurationError, which never quotes one."""
    return [_mailbox(url.strip(), production=production) for url in urls.split(",") if url.strip()]


def _mailbox(url: str, *, production: bool) -> ImapMailbox:
    try:
        return _parsed(url, production=production)
    except ValueError:
        raise ConfigurationError(
            "NRT-E041",
            "an entry of NURTURE_FEEDBACK_IMAP is no mailbox",
            "write imaps://user:password@host/INBOX, with what is special percent-encoded",
        ) from None


def _parsed(url: str, *, production: bool) -> ImapMailbox:
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    has_tls = not (parts.scheme == "imap" and query.get("tls") == "none" and not production)
    is_known = parts.scheme in {"imap", "imaps"} and (parts.scheme == "imaps" or not has_tls)
    if not (is_known and parts.hostname and parts.username and query.get("then", "keep") in {"keep", "delete"}):
        raise ValueError
    return ImapMailbox(
        host=parts.hostname,
        port=parts.port or (993 if has_tls else 143),
        user=unquote(parts.username),
        password=unquote(parts.password or ""),
        folder=unquote(parts.path.strip("/")) or "INBOX",
        has_tls=has_tls,
        removes=query.get("then") == "delete",
    )
