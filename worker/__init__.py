"""The lead and nurture worker of The Albany Clinic: see `docs/architecture.md` for the map."""

import sys

__version__ = "0.1.0"


def _load_structlog_alone() -> None:
    """It would load rich and pygments, if it found them, for a renderer that we don't use: 5 MB in every process, and a
    tenth of a second of each start. Commands that print tables load rich by themselves."""
    if "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # "not to be found", until it is wanted
    import structlog  # noqa: F401

    del sys.modules["rich"]


_load_structlog_alone()
