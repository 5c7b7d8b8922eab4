"""What axe-core finds on a page: the rules of WCAG 2.2 AA, its best practice, or some of them.

Loaded once into each document, and only what is wrong comes back: most of a run was loading axe anew and passing on
all that it had looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
EVERY_RULE = (*WCAG, "best-practice")
CONTRAST = ("color-contrast",)
"""All that another look of the same page can break."""

_RUN = """async ([rules, iframes]) => {
    const {passes, violations} = await axe.run(document, {runOnly: rules, iframes, resultTypes: ["violations"]});
    return {
        passed: passes.length,
        wrong: violations.flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.html.slice(0, 150)}`)),
    };
}"""


def violations(page: Page, rules: Sequence[str] = EVERY_RULE, *, iframes: bool = True) -> list[str]:
    """Each rule that is broken, and by what."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: dict[str, Any] = page.evaluate(_RUN, [list(rules), iframes])
    assert found["passed"] > (10 if len(rules) > 1 else 0), "axe did look"
    return [str(text) for text in found["wrong"]]
