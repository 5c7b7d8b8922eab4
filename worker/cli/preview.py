"""`preview`: the studio, on this machine. A process of its own, as the web and the workers are."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from worker.cli.output import fail
from worker.settings import TEMPLATES

_ADDRESS = re.compile(r"[!-?A-~]+@[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)


def preview(
    port: Annotated[int, typer.Option(min=1, max=65535, help="port; the next free one where it is taken")] = 8610,
    opens: Annotated[bool, typer.Option("--open", help="open it in the browser")] = False,
    test_to: Annotated[
        list[str] | None, typer.Option("--test-to", help="address that test mails may go to; may be repeated")
    ] = None,
    content: Annotated[Path, typer.Option(help="folder of the draft files")] = TEMPLATES,
) -> None:
    """Show the drafts as people will get them, who gets them and when; a saved file shows within a second.

    It listens on this machine only, and needs no database and no internet.

    Example: nurture preview --open --test-to jordan@example.com
    """
    words = [f"--port={port}", f"--content={content.resolve()}", *(["--open"] if opens else [])]
    for address in test_to or []:
        if not _ADDRESS.fullmatch(address):
            fail(f"{address!r} is no email address; write name@example.com")
        words.append(f"--test-to={address}")
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "worker.console.studio", *words])
