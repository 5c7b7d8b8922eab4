"""The one picture of docs/performance.md: what claiming an email costs, by the size of the table.

`.venv/bin/python -m bench.picture` measures and writes `docs/performance.svg`; flat is what it should be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from jinja2 import Environment

from bench.harness import Bench, Way
from bench.stages.claim import claims_of, filled
from bench.tools import Tools
from worker.settings import ROOT

SIZES = (10_000, 100_000, 1_000_000, 3_000_000)
LIMIT, ROUNDS = 500, 5
_LEFT, _TOP, _WIDTH, _HEIGHT = 70, 40, 560, 220
_SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 680 330" role="img" aria-labelledby="t" \
font-family="system-ui, sans-serif" font-size="13">
<title id="t">Microseconds to claim one email, by the number of emails to come</title>
<rect width="680" height="330" fill="#fff"/>
<text x="70" y="22" font-weight="bold">Microseconds to claim one email</text>
{% for y, label in ys %}<path d="M70 {{ y }}H630" stroke="#ddd"/>
<text x="62" y="{{ y + 4 }}" text-anchor="end" fill="#555">{{ label }}</text>
{% endfor %}<polyline fill="none" stroke="#0b5a7a" stroke-width="2.5" points="{{ line }}"/>
{% for x, y, size, cost in points %}<circle cx="{{ x }}" cy="{{ y }}" r="4" fill="#0b5a7a"/>
<text x="{{ x }}" y="{{ y - 10 }}" text-anchor="middle">{{ cost }}</text>
<text x="{{ x }}" y="280" text-anchor="middle" fill="#555">{{ size }}</text>
{% endfor %}<text x="350" y="306" text-anchor="middle" fill="#555">emails to come in the table, and as many sent</text>
</svg>
"""


def draw(costs: Sequence[tuple[int, float]]) -> str:
    """The picture of (size, microseconds): sizes on a logarithmic axis, cost from nought."""
    top = 20 * math.ceil(max(cost for _, cost in costs) / 20 * 1.2)
    first, last = math.log10(costs[0][0]), math.log10(costs[-1][0])

    def height(cost: float) -> int:
        return round(_TOP + _HEIGHT * (1 - cost / top))

    points = [
        (round(_LEFT + 30 + (_WIDTH - 60) * (math.log10(size) - first) / (last - first)), height(cost), size, cost)
        for size, cost in costs
    ]
    return (
        Environment(autoescape=True)
        .from_string(_SVG)
        .render(
            ys=[(height(value), round(value)) for value in (0, top / 4, top / 2, 3 * top / 4, top)],
            line=" ".join(f"{x},{y}" for x, y, _, _ in points),
            points=[(x, y, f"{size:,}", f"{cost:.0f}") for x, y, size, cost in points],
        )
    )


def main() -> None:
    home = ROOT / ".local" / "bench"
    home.mkdir(parents=True, exist_ok=True)
    bench = Bench(rounds=ROUNDS, size=1, tools=Tools(home, may_install=False), folder=home, say=print)
    with ExitStack() as stack:
        worlds = {size: stack.enter_context(filled(bench, size)) for size in SIZES}
        ways = [Way(f"{size:,}", partial(claims_of, world, LIMIT)) for size, world in worlds.items()]
        series = bench.alternate(ways)
    costs = [(size, 1e3 * one.median / LIMIT) for size, one in zip(SIZES, series, strict=True)]
    bench.close()
    Path(ROOT / "docs" / "performance.svg").write_text(draw(costs), encoding="utf-8")


if __name__ == "__main__":
    main()
