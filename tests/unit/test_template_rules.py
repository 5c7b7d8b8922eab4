"""A template fills in blanks. Whatever would run away, or be a program, is refused with its file and line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.shipped import catalog_with
from worker.content.render import Renderer
from worker.content.template_rules import MAX_RENDERED
from worker.domain.leads import Location
from worker.errors import TemplateError

RUNAWAYS = [
    "{% for i in range(10 ** 9) %}x{% endfor %}",
    "{% for i in 'x' * 10 ** 9 %}x{% endfor %}",
    "{{ 'x' * 10 ** 9 }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ 'x' | center(10 ** 9) }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '{:1000000000}'.format(1) }}",
    "{{ 'a'.replace('a', 'b') }}",
    "{{ lipsum(100000) }}",
    "{% for a in clinics %}{% for b in clinics %}{% for c in clinics %}x{% endfor %}{% endfor %}{% endfor %}",
    "{% for a in clinics recursive %}{{ loop(clinics) }}{% endfor %}",
    "{% set x = 'ab' %}" + "{% set x = x ~ x %}" * 60 + "{{ x }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% set n = namespace(x=1) %}{{ cycler(1) }}",
    "{{ joiner(',') }}",
    "{{ dict(a=1) }}",
    "{{ ''.__class__.__mro__ }}{{ contact.__init__() }}",
    "{% include 'blocks/footer.md' %}",
    "{% import 'x' as y %}",
    "{{ self.__init__() }}",
    "{{ 'x' | indent(1000000000) }}",
    "{{ [1, 2] | map('upper') | list }}",
    "{{ 1 // 0 }}",
]


@pytest.mark.parametrize("source", RUNAWAYS)
def test_a_template_that_would_run_away_is_refused_at_once(source: str) -> None:
    broken = Renderer(catalog_with(goodbye=f"{{{{ greeting }}}}\n\n{source}\n"))

    with pytest.raises(TemplateError) as refusal:
        broken.compiled("goodbye", Location.CARBONDALE, "depression")

    assert refusal.value.source == "emails/goodbye.md"
    assert refusal.value.line is not None


def test_blocks_that_use_one_another_again_and_again_are_refused() -> None:
    blocks = {f"b{n}": f'{{{{ block("b{n + 1}") }}}}' * 2 for n in range(40)} | {"b40": "end"}
    shipped = catalog_with(goodbye='{{ block("b0") }}\n')
    broken = Renderer(replace(shipped, blocks={**shipped.blocks, **blocks}))

    with pytest.raises(TemplateError, match="of one email"):
        broken.compiled("goodbye", Location.CARBONDALE, "depression")


def test_an_email_that_grows_beyond_reason_is_refused() -> None:
    long = Renderer(catalog_with(goodbye="word " * (MAX_RENDERED // 5 + 1)))

    with pytest.raises(TemplateError, match="characters long"):
        long.compiled("goodbye", Location.CARBONDALE, "depression")


def test_what_emails_need_is_allowed() -> None:
    body = """{% if location.decided and purpose != "x" %}yes{% elif not location.decided %}no{% else %}none{% endif %}
{% for clinic in clinics %}{{ loop.index }} {{ clinic.name | upper }}{% endfor %}
{{ "a" if location.id in ["carbondale", "albany"] else "b" }} {{ slot.topic | default("x") }}
"""
    text = Renderer(catalog_with(goodbye=body)).compiled("goodbye", Location.CARBONDALE, "depression").text
    assert "yes" in text
