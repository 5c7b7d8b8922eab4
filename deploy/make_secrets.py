#!/usr/bin/env python3
"""Makes what docker-compose.yml mounts under /run/secrets, each in its own file. Never overwrites one.

  python3 deploy/make_secrets.py [FOLDER]        deploy/secrets without it

Two files are left empty for you: `mail_url` (without it nothing starts) and `alert_url` (without it alerts
are files in a volume). Copy `secret_keys` somewhere safe: without it no lead's name can be read again.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import sys
from pathlib import Path


def main(folder: Path) -> None:
    """Write every file that is not there yet."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)  # the files are readable, for the containers' own users; the folder is not
    password = make(folder / "postgres_password", secrets.token_urlsafe(24))
    make(folder / "database_url", f"postgresql+psycopg://nurture:{password}@postgres/nurture")
    password = make(folder / "redis_password", secrets.token_urlsafe(24))
    make(folder / "redis_url", f"redis://:{password}@redis:6379/0")
    make(folder / "redis_acl", redis_acl(password))
    make(folder / "secret_keys", "k1:" + base64.b64encode(os.urandom(32)).decode())
    make(folder / "mail_url", "")
    make(folder / "alert_url", "")
    print(f"Secrets are in {folder}. Write the mail provider's URL into mail_url, and keep a copy of secret_keys.")


def make(path: Path, content: str) -> str:
    """Write a file unless it is there; what stands in it now."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(content + "\n")
        path.chmod(0o644)
    except FileExistsError:
        print(f"kept {path}")
    return path.read_text(encoding="utf-8").strip()


def redis_acl(password: str) -> str:
    """The product may do anything but empty, reconfigure or stop the server; `health` may only ask if it lives."""
    digest = hashlib.sha256(password.encode()).hexdigest()
    forbidden = " ".join(f"-{command}" for command in ("flushall", "flushdb", "debug", "config", "shutdown", "swapdb"))
    return f"user default on #{digest} ~* &* +@all {forbidden}\nuser health on nopass -@all +ping"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "secrets")
