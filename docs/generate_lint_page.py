"""Write `docs/staff/lint.md` from the rules themselves: `python docs/generate_lint_page.py`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from worker.content.lint.engine import RULES
from worker.content.lint.finding import Severity
from worker.content.lint.rule import Rule

PAGE = Path(__file__).parent / "staff" / "lint.md"

OPENING = """\
# What lint checks

`nurture lint` reads every email as it is at each clinic and in each sequence, before anyone else does. The
preview shows the same findings beside the text, and `nurture publish` refuses content with an error.

    nurture lint                                  everything
    nurture lint risks first-visit                two emails
    nurture lint --location albany                as it is in Albany, New York
    nurture lint --as-of 2027-05-01               what will be overdue then
    nurture lint --json                           for programs

It exits with 1 when there is an error. An **error** stops publishing. A **warning** asks for a look. A **note**
shows what someone has waived. Lint is a second pair of eyes: it finds words, not meaning, so a person still reads
every email before it is published.

## When a rule is wrong for once

Say so where the rule is broken, in the email's settings or at the top of the sequence's file. Name the rule, the
reason, yourself, and the day when it ends:

    waivers = [{ rule = "LEN001", reason = "a postcard", by = "Jordan Example", until = 2027-01-31 }]

The finding is then a note. When the day has passed, it is an error again. Rules marked "no exceptions" can't be waived.
"""

GROUPS = (
    ("MED", "Medical words and disclosures"),
    ("INS", "Insurance and money"),
    ("CLM", "Claims"),
    ("TST", "Testimonials"),
    ("STA", "Figures"),
    ("SAFE", "Speaking of suicide"),
    ("SRC", "Sources"),
    ("SUB", "The inbox line"),
    ("LOC", "The right clinic"),
    ("FTR", "The footer"),
    ("CTA", "The next step"),
    ("LEN", "Length"),
    ("A11Y", "Easy to read, for everyone"),
    ("LNK", "Links"),
    ("PRV", "Privacy"),
    ("FM", "Settings and dates"),
    ("TPL", "Template code"),
    ("SEQ", "Sequences"),
    ("SIZ", "Size"),
    ("MIM", "The message itself"),
    ("WAI", "Waivers"),
)

WORDS = {Severity.E: "error", Severity.W: "warning", Severity.I: "note"}


def page() -> str:
    """The whole page."""
    return "\n".join([OPENING, *_groups()]).rstrip() + "\n"


def _groups() -> Iterator[str]:
    for prefix, title in GROUPS:
        rules = [rule for rule in RULES.values() if rule.id.rstrip("0123456789") == prefix]
        yield f"## {title}\n"
        for rule in rules:
            yield _entry(rule)


def _entry(rule: Rule) -> str:
    kind = WORDS[rule.severity] + ("" if rule.waivable else ", no exceptions")
    lines = [f"### {rule.id} ({kind})", "", f"**Finds** {_plain(rule.what)}.", "", f"**Why** {_plain(rule.why)}"]
    if rule.fix:
        lines += ["", f"**Instead** {_plain(rule.fix)}"]
    if rule.source:
        lines += ["", f"*{rule.source}*"]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Template code as code, so that no Markdown program swallows it."""
    return text.replace("{{", "`{{").replace("}}", "}}`") if "}}" in text else text


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
