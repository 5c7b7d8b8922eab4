"""One line that says on what the figures were taken: without it they mean nothing."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def machine_line() -> str:
    """The day, the machine, the versions, and how busy it was before."""
    load = os.getloadavg()[0]
    packages = ", ".join(f"{name} {version(name)}" for name in ("celery", "sqlalchemy", "psycopg", "uvicorn"))
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {os.cpu_count()} cores ({_processor()}), {_memory_gib():.0f} GiB; "
        f"Linux {platform.release().partition('-')[0]}, Python {platform.python_version()}, {packages}; "
        f"load {load:.1f} at the start"
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
