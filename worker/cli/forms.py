"""`nurture forms`: how forms of other vendors are understood, and whether all of them came."""

from __future__ import annotations

import typer

from worker.cli import reconciling

app = typer.Typer(help="Forms of other vendors, and how they are understood.", no_args_is_help=True)
reconciling.register(app)


@app.callback()
def _group() -> None:
    """Keeps a single command a word of its own."""
