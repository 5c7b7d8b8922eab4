"""`nurture keys`: the key ring."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from worker.storage.sealing import new_key

app = typer.Typer(help="The key ring that seals health and contact data.", no_args_is_help=True)


@app.callback()
def _keys() -> None:
    """The key ring that seals health and contact data."""


@app.command()
def new(key_id: Annotated[str, typer.Argument(help="a short name for it; today's date without it")] = "") -> None:
    """Print a fresh key for NURTURE_SECRET_KEYS. Keep it where only operators can read it.

    Example: nurture keys new 2026a
    """
    typer.echo(new_key(key_id or f"{datetime.now(UTC):%Y%m%d}"))
