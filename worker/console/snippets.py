"""What a web developer copies from a form's page: the same as the handbook says, with this form's own words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import escape

from worker.domain.forms import Form


@dataclass(frozen=True, slots=True)
class Snippet:
    """A text to copy, and what it is for."""

    title: str
    hint: str
    text: str


def snippets_of(form: Form, base: str) -> list[Snippet]:
    """The ways in which a website can use this form, the simplest first."""
    return [
        Snippet(
            "One line of script",
            "Puts the form where the line stands, or makes a form patient that the page has already. "
            "The page's origin must be registered.",
            f'<script src="{base}/embed.js?form={form.key}" async></script>\n'
            f'<noscript><a href="{base}/form?form={form.key}">Ask for a consultation</a></noscript>',
        ),
        Snippet(
            "A plain form",
            "Works on any website, without scripts. Leave the wording of consent as it is: we keep it as evidence.",
            _plain(form, base),
        ),
        Snippet(
            "A form of another vendor",
            "Make a token first; the second line is the address for the vendor's webhook. Instead of duda: typeform, "
            "jotform, webflow, gravity, elementor, generic.",
            f'nurture tokens add "our website" --scope hooks --form {form.key}\n{base}/v1/hooks/duda/TOKEN',
        ),
        Snippet(
            "A program",
            "The key is your own id of the request: repeated under it, it is one submission.",
            f"curl -sS {base}/v1/submissions \\\n"
            "  -H 'Content-Type: application/json' -H 'Idempotency-Key: booking-system-4711' \\\n"
            f"""  -d '{{"form": "{form.key}", "email": "maya@example.com", "consent_email": true}}'""",
        ),
    ]


def _plain(form: Form, base: str) -> str:
    return f"""<form method="post" action="{base}/v1/submissions">
  <input type="hidden" name="form" value="{form.key}">
  <label>Email <input type="email" name="email"></label>
  <label>Phone <input type="tel" name="phone"></label>
  <label>First name <input name="first_name"></label>
  <input name="website" tabindex="-1" autocomplete="off" aria-hidden="true" style="position:absolute;left:-9999px">
  <label><input type="checkbox" name="consent_email" value="yes"> {escape(form.consent_wording)}</label>
  <button>Send my request</button>
</form>
<p>In crisis? Call or text 988 at any hour.</p>"""


def naming(form: str, questions: Sequence[str]) -> str:
    """The lines of `forms.toml` that name questions which no mapping knows. Which field is meant is for a person."""
    return "\n".join([f"[forms.{form}.fields]", *(f"FIELD = [{_quoted(question)}]" for question in questions)])


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
