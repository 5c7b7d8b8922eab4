"""`nurture queue`: every declared queue, also one that nobody consumes."""

from __future__ import annotations

import typer

from worker.bootstrap import open_broker
from worker.cli.common import AsJson, open_services
from worker.cli.output import print_json, print_table
from worker.settings import load_settings
from worker.storage.spool import Spool
from worker.usecases.health.status import read_status

app = typer.Typer(help="The queues: what waits, for how long, and who works on it.", no_args_is_help=True)


@app.callback()
def _queue() -> None:
    """The queues: what waits, for how long, and who works on it."""


@app.command("list")
def list_queues(as_json: AsJson = False) -> None:
    """Every declared queue with its depth, the age of its oldest message, and its workers.

    Example: nurture queue list
    """
    settings = load_settings()
    with open_services(settings) as services:
        broker = open_broker(settings)
        queues = read_status(services.database, broker, Spool(settings.spool)).queues
        broker.close()
    if as_json:
        print_json({"queues": [{"name": name, **queue} for name, queue in queues.items()]})
        return
    rows = [[name, queue["depth"], queue["oldest_age_s"], queue["consumers"]] for name, queue in queues.items()]
    print_table("", ["queue", "waiting", "oldest (s)", "workers"], rows, "")
