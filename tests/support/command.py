"""The command line as operators run it: another process on a test's own database."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.world import RING
from worker.storage.sealing import KeyRing


def run_nurture(
    url: str,
    folder: Path,
    *words: str,
    ring: KeyRing = RING,
    fault: str = "",
    redis_url: str = "redis://127.0.0.1:1",
    settings: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """`nurture WORDS` with this database, state folder and ring; without a broker, unless one is named."""
    keys = ",".join(f"{key_id}:{base64.b64encode(key).decode()}" for key_id, key in ring.keys.items())
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("NURTURE_")},
        "NURTURE_DATABASE_URL": url,
        "NURTURE_SECRET_KEYS": keys,
        "NURTURE_STATE_DIR": str(folder),
        "NURTURE_REDIS_URL": redis_url,
        "NURTURE_FAULT": fault,
        "USER": "jordan",
        **(settings or {}),
    }
    command = [sys.executable, "-m", "worker.cli", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=50, check=False)
