"""An export as a page that a person can read and print: headings, lists, and each email as it was sent."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

_HEADINGS = {
    "person": "Who you are to us",
    "posted": "What you posted",
    "agreed": "What you agreed to",
    "emails": "What you were sent, or will be",
    "sequences": "Series of emails you were in",
    "suppressed": "What is never sent to your address",
    "happened": "What happened",
    "looked_at": "Who looked at your contact data",
    "staff_were_told": "When staff were told of you",
    "could_not_be_read": "What could not be read",
    "more": "What else is kept",
}
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:.3rem 0}dt{color:#555}dd{margin:0}"
    "pre{white-space:pre-wrap;border-left:3px solid #ccc;padding-left:1rem}li{margin:.8rem 0}"
)


def as_html(export: Mapping[str, Any]) -> str:
    """One page without scripts or anything from elsewhere."""
    sections = [f"<h2>{escape(heading)}</h2>{_shown(export[name])}" for name, heading in _HEADINGS.items()]
    title, made = "What is held about you", f"Made {export['made_at'][:16]} UTC by {export['made_by']}."
    return "\n".join(
        [
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>',
            f"<h1>{title}</h1><p>{escape(made)}</p>",
            *sections,
            "</html>\n",
        ]
    )


def _shown(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return "nothing"
    if isinstance(value, Mapping):
        pairs = [f"<dt>{escape(name.replace('_', ' '))}</dt><dd>{_shown(part)}</dd>" for name, part in value.items()]
        return f"<dl>{''.join(pairs)}</dl>"
    if isinstance(value, list):
        return f"<ul>{''.join(f'<li>{_shown(part)}</li>' for part in value)}</ul>"
    text = escape(str(value))
    return f"<pre>{text}</pre>" if "\n" in text else text
