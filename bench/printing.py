"""A report as people read it: a table on the terminal, or Markdown for the page of figures."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from bench.harness import Report, Series, Target

_HEADINGS = ("way", "median", "least to most", "CPU µs each")


def print_report(console: Console, report: Report) -> None:
    """The table, then each target with its verdict, then what is to be said."""
    table = Table(*_HEADINGS, title=f"{report.title} ({report.unit})", title_justify="left")
    for row in _rows(report.series):
        table.add_row(*row)
    if report.series:
        console.print(table)
    else:
        console.print(f"[bold]{report.title}[/bold]")
    for target in report.targets:
        console.print(f"  {'[green]met   ' if target.is_met else '[red]missed'}[/] {_said(target)}", highlight=False)
    for line in report.notes:
        console.print(f"  {line}", highlight=False)
    for line in report.absent:
        console.print(f"  [yellow]not run[/yellow] {line}", highlight=False)
    console.print()


def as_markdown(report: Report) -> str:
    """The same, for a page."""
    lines = [f"### {report.title}", ""]
    if report.series:
        headings = (f"{report.unit}", *_HEADINGS[1:])
        lines += [_line(headings), _line(["---"] * len(headings)), *map(_line, _rows(report.series)), ""]
    lines += [f"- {'met' if target.is_met else '**missed**'}: {_said(target)}" for target in report.targets]
    lines += [f"- {line}" for line in report.notes]
    lines += [f"- not run: {line}" for line in report.absent]
    return "\n".join([*lines, ""])


def figure(value: float) -> str:
    """Three digits that mean something, and no more."""
    if value >= 1000:
        return f"{round(value, 2 - len(str(int(value))) + 1):,.0f}"
    return f"{value:.3g}"


def _rows(series: Sequence[Series]) -> list[tuple[str, ...]]:
    return [
        (
            one.name,
            figure(one.median),
            f"{figure(one.least)} to {figure(one.most)}",
            "" if one.cpu_us is None else figure(one.cpu_us),
        )
        for one in series
    ]


def _said(target: Target) -> str:
    bound = f"at least {target.at_least:g}" if target.at_least is not None else f"at most {target.at_most:g}"
    return f"{target.says}: {figure(target.measured)} {target.unit} ({bound})"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
