"""Static files: their addresses name their content, so that browsers may keep them for ever and never show old ones.

`SHARED` is the folder of what every page of ours looks by, wherever it is served: the one list of colours.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

SHARED = Path(__file__).parent / "static"
PALETTE = SHARED / "palette.css"


@cache
def version_of(file: Path) -> str:
    """What stands in the address of a file, another for each content."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]
