"""Snapshots: the whole content as one immutable, hash-named value (I7).

The hash covers every path and text, so equal content has equal names on every host and database.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping


def snapshot_hash(files: Mapping[str, str]) -> str:
    """The name of this content: 32 hexadecimal digits of SHA-256."""
    return hashlib.sha256(_canonical(files)).hexdigest()[:32]


def pack(files: Mapping[str, str]) -> bytes:
    """The form in which the database keeps it."""
    return zlib.compress(_canonical(files), 9)


def unpack(packed: bytes) -> dict[str, str]:
    """The files of a packed snapshot."""
    files: dict[str, str] = json.loads(zlib.decompress(packed))
    return files


def _canonical(files: Mapping[str, str]) -> bytes:
    return json.dumps(dict(files), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
