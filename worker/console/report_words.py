"""Reports in the words of the console, and the lengths of their bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from worker.console.lead_words import CONDITIONS
from worker.console.names import Names
from worker.domain.leads import Condition
from worker.domain.reports import Breakdown, Cells, Span, share, usual_wait
from worker.domain.reports import is_untold as is_untold
from worker.domain.small_numbers import Cell
from worker.domain.tallies import Figure

FIGURES: Mapping[Figure, str] = MappingProxyType(
    {
        Figure.LEADS: "Leads",
        Figure.EMAILED: "Got an email",
        Figure.ANSWERED: "Answered by the clinic",
        Figure.ANSWERED_30: "Answered in 30 min",
        Figure.BOOKED: "Booked",
        Figure.SENT: "Emails sent",
        Figure.DELIVERED: "Delivered",
        Figure.BOUNCED: "Bounced",
        Figure.COMPLAINED: "Complaints",
        Figure.UNSUBSCRIBED: "Unsubscribes",
    }
)
"""What is shown; a file has all figures."""

OF_LEADS = (Figure.LEADS, Figure.ANSWERED_30, Figure.BOOKED)
OF_EMAILS = (Figure.SENT, Figure.DELIVERED, Figure.BOUNCED, Figure.COMPLAINED, Figure.UNSUBSCRIBED)
WHOLE: Mapping[Figure, Figure] = MappingProxyType(
    {
        **dict.fromkeys((Figure.EMAILED, Figure.ANSWERED, Figure.ANSWERED_30, Figure.BOOKED), Figure.LEADS),
        **dict.fromkeys(OF_EMAILS[1:], Figure.SENT),
    }
)
"""Of what a figure is a part."""

TITLES: Mapping[Breakdown, str] = MappingProxyType(
    {
        Breakdown.LOCATION: "By location",
        Breakdown.CONDITION: "By condition",
        Breakdown.SEQUENCE: "By sequence",
        Breakdown.EMAIL: "By email",
    }
)

FUNNEL = (Figure.LEADS, Figure.EMAILED, Figure.ANSWERED, Figure.BOOKED)


def columns(by: Breakdown) -> tuple[Figure, ...]:
    """The figures of a table."""
    return OF_EMAILS if by is Breakdown.EMAIL else OF_LEADS + OF_EMAILS


def headings(by: Breakdown) -> list[str]:
    """What stands above them."""
    return [FIGURES[figure] for figure in columns(by)]


def name(names: Names, by: Breakdown, code: str) -> str:
    """What a row is about."""
    if not code:
        return "No sequence"
    match by:
        case Breakdown.LOCATION:
            return names.place(code)
        case Breakdown.CONDITION:
            said = CONDITIONS[Condition(code)] if code in set(Condition) else code
            return said[:1].upper() + said[1:]
        case Breakdown.SEQUENCE:
            return names.sequence(code)
    return names.email_alone(code)


def told(cell: Cell) -> str:
    """A number, `<5`, or `hidden`."""
    return f"{cell:,}" if isinstance(cell, int) else cell.value


def share_of(cells: Cells, figure: Figure) -> str:
    """`12.5 %` of what it is a part of; empty where that is not told."""
    found = share(cells[figure], cells[WHOLE[figure]]) if figure in WHOLE else None
    return "" if found is None else f"{found:.1%}"


def wait(cells: Cells) -> str:
    """How soon half of those answered had their answer."""
    found = usual_wait(cells)
    if found is None:
        return "too few to tell"
    low, high = found
    return f"{low} to {high} min" if high else f"over {low} min"


def length(cell: Cell, longest: int) -> float:
    """How long a bar is, of a hundred. What is not told has none."""
    return round(100 * cell / longest, 1) if isinstance(cell, int) and longest else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A span of time in a picture. A number that is not told is an empty frame."""

    label: str
    said: str
    height: float
    is_told: bool


def bars(trend: Sequence[Span], figure: Figure) -> list[Bar]:
    """A picture's bars, up to fifty high."""
    highest = max((cell for span in trend if isinstance(cell := span.cells[figure], int)), default=0)
    return [
        Bar(
            label=span_name(span.first, span.last),
            said=told(span.cells[figure]),
            height=length(span.cells[figure], highest) / 2,
            is_told=isinstance(span.cells[figure], int),
        )
        for span in trend
    ]


def span_name(first: date, last: date) -> str:
    """`2 to 8 Mar`, `28 Feb to 6 Mar`, or `9 Mar`."""
    if first == last:
        return f"{last.day} {last:%b}"
    start = f"{first.day}" if first.month == last.month else f"{first.day} {first:%b}"
    return f"{start} to {last.day} {last:%b}"
