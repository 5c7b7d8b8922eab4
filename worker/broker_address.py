"""Where the broker answers: one address, in the spelling of Celery and in that of redis-py."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from urllib.parse import quote

LONGEST_SOCKET_PATH_BYTES = 100
"""An address of a unix socket holds 108 bytes on Linux and 104 on macOS, with the closing zero."""

_CELERY, _CLIENT = "redis+socket://", "unix://"


def embedded_socket(state_dir: Path) -> Path:
    """The socket of a state folder's embedded server, started or not; elsewhere where its path were too long."""
    home = state_dir.resolve() / "valkey"
    direct = home / "valkey.sock"
    if len(os.fsencode(direct)) <= LONGEST_SOCKET_PATH_BYTES:
        return direct
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return Path(tempfile.gettempdir(), f"nurture-{os.getuid()}-{digest}") / "valkey.sock"


def socket_url(socket: Path) -> str:
    """The address of a socket, for redis-py."""
    return _CLIENT + quote(str(socket))


def for_celery(url: str) -> str:
    """An address as Celery and kombu spell it."""
    return _CELERY + url.removeprefix(_CLIENT) if url.startswith(_CLIENT) else url


def for_client(url: str) -> str:
    """An address as redis-py spells it."""
    return _CLIENT + url.removeprefix(_CELERY) if url.startswith(_CELERY) else url
