"""Write a file of the draft. Readers see the old text or the new one, never half of it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_content_file(root: Path, path: str, text: str) -> None:
    """Put a text in the place of a file, or make the file."""
    target = root / path
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".draft-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(target.stat().st_mode & 0o777 if target.exists() else 0o644)
        Path(name).replace(target)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def remove_content_file(root: Path, path: str) -> None:
    """Take a file away."""
    (root / path).unlink(missing_ok=True)
