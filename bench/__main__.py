"""`python3 dev.py bench [STAGE …]`: measure, and print a table for each stage.

Exits 0 also where a target is missed: a busy machine is no failure. A stage that breaks is one.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from pathlib import Path

from rich.console import Console

from bench.harness import Bench, Report
from bench.machine import machine_line
from bench.printing import as_markdown, print_report
from bench.stages import STAGES
from bench.tools import Tools
from worker.settings import ROOT

HOME = ROOT / ".local" / "bench"
FULL_ROWS = (100_000, 5_000_000)


def main() -> int:
    arguments = _parser().parse_args()
    console = Console(width=None if sys.stdout.isatty() else 120)
    line = f"{machine_line()}; {arguments.rounds} rounds"
    console.print(line, highlight=False)
    names = arguments.stages or list(STAGES)
    reports: list[Report] = []
    for name in names:
        report = _run(name, arguments, console)
        if report is not None:
            reports.append(report)
    if arguments.markdown:
        arguments.markdown.write_text("\n".join([line, "", *map(as_markdown, reports)]), encoding="utf-8")
    return 0 if len(reports) == len(names) else 1


def _run(name: str, arguments: argparse.Namespace, console: Console) -> Report | None:
    """One stage, with servers of its own."""
    HOME.mkdir(parents=True, exist_ok=True)
    with console.status(name) as status:

        def say(what: str) -> None:
            status.update(f"{name}: {what}")
            if not console.is_terminal:
                print(f"  {name}: {what}", file=sys.stderr, flush=True)

        bench = Bench(
            rounds=arguments.rounds,
            size=arguments.size,
            tools=Tools(HOME, may_install=not arguments.no_install, say=say),
            folder=Path(arguments.folder) if arguments.folder else HOME,
            say=say,
        )
        if arguments.full:
            bench.rows = FULL_ROWS
        try:
            report = STAGES[name](bench)
        except Exception:
            console.print(f"[red]{name} broke[/red]")
            traceback.print_exc()
            return None
        finally:
            bench.close()
    print_report(console, report)
    return report


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"which; without, all: {', '.join(STAGES)}")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count, after one that does not (default 5)")
    parser.add_argument("--size", type=float, default=1.0, help="how much a round does, times the usual (default 1)")
    parser.add_argument("--full", action="store_true", help="the claim among 5,000,000 rows instead of 1,000,000")
    parser.add_argument("--no-install", action="store_true", help="compare only with what is there already")
    parser.add_argument("--folder", help="where spool and state lie while measuring: the disk that counts")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file, too")
    return parser


sys.exit(main())
