"""`up` and `demo`: the whole product on this machine."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.live import Live
from rich.progress import Progress, SpinnerColumn, TextColumn

from worker.bootstrap import make_services
from worker.cli.common import times_of
from worker.cli.output import Times, console, fail, print_table
from worker.domain.sends import SendState
from worker.logs import configure_logs
from worker.runtime import demo as demonstration
from worker.runtime.product import AlreadyRunning, Product, start_product
from worker.runtime.supervisor import STOP_SIGNALS
from worker.settings import PREFIX, Settings, load_settings
from worker.storage import installation, send_figures
from worker.storage.database import Database

DEMO_SPEED = 1440.0


def up() -> None:
    """Start the product: web, worker, beat, and what is embedded. Ctrl-C stops it.

    Example: nurture up
    """
    with _started(load_settings(), "The Albany Clinic · lead worker") as product:
        _print_addresses(product)
        console.print("Ctrl-C stops everything cleanly.")
        product.supervisor.run_until_stopped(product.keep)
        product.stop()


def demo(
    once: Annotated[bool, typer.Option("--once", help="Do the whole journey now, then exit with 0 or 1.")] = False,
) -> None:
    """Show the whole product with fictional people on a fast clock. No email leaves this machine.

    Example: nurture demo --once
    """
    defaults = {
        "STATE_DIR": ".local/demo",
        "CLOCK_SPEED": str(DEMO_SPEED),
        "RATE_LIMIT": "off",
        "MAIL_URL": "outbox:",
    }
    for name, value in defaults.items():
        os.environ.setdefault(PREFIX + name, value)
    if once:
        os.environ[f"{PREFIX}CLOCK_SPEED"] = "0"
    ok = False
    with _started(load_settings(), "The Albany Clinic · lead worker · demonstration") as product:
        try:
            ok = _show(product, once=once)
            if not once:
                product.supervisor.run_until_stopped(product.keep)
        finally:
            product.stop()
    raise typer.Exit(0 if ok else 1)


@contextmanager
def _started(settings: Settings, title: str) -> Iterator[Product]:
    """A product that is ready. From the first moment on, a signal only asks to stop, and is honoured soon."""
    with _noting_signals() as noted:
        product = _start(settings, title)
        with product.supervisor.catch_signals():
            if noted:
                product.stop()
                raise typer.Exit(130)
            _wait_ready(product)
            yield product


@contextmanager
def _noting_signals() -> Iterator[list[int]]:
    """Signals that come while the supervisor can't hear them yet; raised anywhere, they could be swallowed."""
    noted: list[int] = []
    before = {number: signal.signal(number, lambda heard, _: noted.append(heard)) for number in STOP_SIGNALS}
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _start(settings: Settings, title: str) -> Product:
    configure_logs(settings.log_level, "supervisor")
    console.print(f"[bold]{title}[/]   [dim]everything below is on this machine[/]")
    try:
        return start_product(settings, note=lambda line: console.print(f"  ✓ {line}", markup=False))
    except AlreadyRunning as running:
        console.print(f"It runs already: {running.url}/form")
        raise typer.Exit(0) from None


def _wait_ready(product: Product) -> None:
    started = time.monotonic()
    with console.status("starting web, worker and beat"):
        ready = product.wait_ready()
    if product.supervisor.is_stopping:
        product.stop()
        raise typer.Exit(130)
    if not ready:
        logs = product.settings.state / "run"
        product.stop()
        fail(f"It did not get ready within its time. The logs say why: {logs}")
    console.print(f"  ✓ web, worker and beat are ready ({time.monotonic() - started:.1f} s)")


def _print_addresses(product: Product) -> None:
    for what, path in (
        ("The form", "/form"),
        ("Staff pages", "/console/"),
        ("For web developers", "/docs"),
        ("Ready?", "/readyz"),
        ("Metrics", "/metrics"),
    ):
        console.print(f"  {what:<20} {product.url}{path}", markup=False)
    console.print(f"  {'State, outbox, logs':<20} {product.settings.state}", markup=False)


def _show(product: Product, *, once: bool) -> bool:
    services = make_services(product.settings)
    database, times = services.database, times_of(services)
    posted = list(demonstration.post_samples(product.url))
    console.print(f"  ✓ {len(posted)} fictional people posted the form")
    if once:
        with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=console, transient=True) as progress:
            task = progress.add_task("weeks pass")
            demonstration.run_out(
                services,
                product.url,
                posted,
                lambda at, counts: progress.update(task, description=_line(times(at), counts)),
            )
    else:
        demonstration.post_for_staff(services, product.url)
        console.print(
            "  ✓ something waits for staff on each page: a person in danger, a program, an address that does not exist,"
        )
        console.print(
            "    an email of which nobody knows whether it arrived, and a foreign form that can't be mapped yet"
        )
        demonstration.until_stored(database, posted)
        demonstration.until_quiet(database)
    journey = demonstration.read_journey(database, posted)
    _print_journey(journey)
    if not once:
        _print_addresses(product)
        password = demonstration.add_demo_admin(services)
        console.print(f"  {'Staff sign in as':<20} demo, with the password {password}", markup=False)
        _watch(product, database, times)
    services.close()
    return not journey.problems


def _watch(product: Product, database: Database, times: Times) -> None:
    console.print("A day passes in a minute. Watch the outbox fill; Ctrl-C stops everything cleanly.")
    with Live(console=console, refresh_per_second=4) as live:
        while not product.supervisor.is_stopping:
            product.keep()
            with database.read() as connection:
                live.update(
                    _line(
                        times(installation.product_now(connection)),
                        Counter(send_figures.counts(connection)),
                    )
                )
            time.sleep(0.25)


def _line(at: str, counts: Counter[str]) -> str:
    shown = (
        SendState.SENT,
        SendState.PLANNED,
        SendState.SKIPPED,
        SendState.CANCELLED,
        SendState.HELD,
        SendState.UNKNOWN,
    )
    return f"{at}   " + "   ".join(f"{counts[state]} {state}" for state in shown)


def _print_journey(journey: demonstration.Journey) -> None:
    def row(item: dict[str, Any]) -> list[Any]:
        lead, states = item["lead"], item["states"]
        rest = ", ".join(f"{count} {state}" for state, count in sorted(states.items()) if state != SendState.SENT)
        sequence = lead["sequence"] or "a person answers"
        return [
            item["persona"].id,
            lead["location"],
            sequence,
            lead["reference"],
            states[SendState.SENT],
            rest,
        ]

    console.print()
    columns = ["who", "location", "sequence", "reference", "sent", "else"]
    print_table("What was stored, routed and sent", columns, map(row, journey.rows), "Nobody was stored.")
    total = journey.totals
    console.print(
        f"\n{len(journey.rows)} stored · " + " · ".join(f"{count} {state}" for state, count in sorted(total.items()))
    )
    for problem in journey.problems:
        console.print(f"✗ {problem}", style="red", markup=False)
    if not journey.problems:
        console.print(
            "✓ everyone was answered once, nobody was mailed twice, nobody without consent was taught",
            style="green",
        )
