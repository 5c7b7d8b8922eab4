"""`forms.toml` to forms, and to the words by which foreign forms ask for our fields."""

from __future__ import annotations

from collections.abc import Mapping

from worker.content.tables import Table
from worker.domain.forms import SANDBOX, Form
from worker.domain.leads import Language, Location
from worker.domain.mapping import TARGETS
from worker.domain.routing import squash


def load_forms(table: Table) -> tuple[dict[str, Form], dict[str, str]]:
    """The forms, and synonyms: squashed foreign words, each with our field. Problems are noted on the table."""
    synonyms = _load_synonyms(table.table("synonyms")) if table.has("synonyms") else {}
    forms = {}
    for key, row in table.named("forms"):
        forms[key] = _load_form(key, row)
        row.done()
    for key, form in forms.items():
        if form.translation and not _is_translation(form, forms):
            table.problem(f"forms.{key}.translation", "is no form of the other language whose translation is this one")
    table.done()
    return forms, synonyms


def _is_translation(form: Form, forms: Mapping[str, Form]) -> bool:
    other = forms.get(form.translation or "")
    return other is not None and other.translation == form.key and other.language is not form.language


def _load_form(key: str, table: Table) -> Form:
    default = table.choice("default_location", Location) if table.has("default_location") else None
    return Form(
        key=key,
        name=table.text("name"),
        origins=table.texts("origins", []),
        thank_you=table.text("thank_you", "") or None,
        default_location=default,
        consent_wording=table.text("consent_wording"),
        consent_version=table.text("consent_version"),
        captcha=table.flag("captcha", default=False),
        language=(table.choice("language", Language) if table.has("language") else None) or Language.ENGLISH,
        translation=table.text("translation", "") or None,
        sandbox=table.flag("sandbox", default=key == SANDBOX),
        fields=_load_names(table.table("fields")) if table.has("fields") else {},
    )


def _load_synonyms(table: Table) -> dict[str, str]:
    synonyms: dict[str, str] = {}
    for field, words in _load_names(table).items():
        for word in words:
            if synonyms.setdefault(squash(word), field) != field:
                table.problem(field, f"has {word!r}, which {synonyms[squash(word)]} has already")
    return synonyms


def _load_names(table: Table) -> Mapping[str, tuple[str, ...]]:
    """Our fields, each with foreign names."""
    names = {}
    for field in table.names():
        names[field] = table.texts(field)
        if field not in TARGETS:
            table.problem(field, f"is no field of ours; write one of {', '.join(sorted(TARGETS))}")
    return names
