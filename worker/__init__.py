"""The lead and nurture worker of The Albany Clinic: see `docs/architecture.md` for the map."""

__version__ = "0.1.0"
