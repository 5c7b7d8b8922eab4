"""Rendering: what people type stays text, what marketing writes is what both parts say, mistakes name their line."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.shipped import catalog, catalog_with, files, renderer, uses
from worker.content.markdown import refuse_raw_html, to_html
from worker.content.render import Person, Rendered, Renderer
from worker.content.text_part import WIDTH, to_text
from worker.domain.leads import Language, Location, greeting
from worker.errors import TemplateError

MAYA = Person(
    first_name="Maya",
    unsubscribe_url="https://albanyclinic.example.com/u/AAAAAAAAAAAAAAAAAAAAAA.BBBBBBBBBBBBBBBBBBBBBB",
    choose_url="https://albanyclinic.example.com/choose/AAAAAAAAAAAAAAAAAAAAAA.CCCCCCCCCCCCCCCCCCCCCC",
    confirm_url="https://albanyclinic.example.com/confirm/AAAAAAAAAAAAAAAAAAAAAA.DDDDDDDDDDDDDDDDDDDDDD",
)
HOSTS = {"albanyclinic.example.com", "988lifeline.org"}
VOID = {"meta", "br", "hr", "img", "link", "input"}

every_email = pytest.mark.parametrize("email_id", sorted(catalog().emails))


@dataclass
class Seen(HTMLParser):
    """What a reader of the HTML part sees, and every address it holds."""

    words: list[str] = field(default_factory=list)
    addresses: list[tuple[str, str]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    open: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def read(cls, page: str) -> Seen:
        seen = cls()
        HTMLParser.__init__(seen, convert_charrefs=True)
        seen.feed(page)
        seen.close()
        assert seen.open == [], "a tag is not closed"
        return seen

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        values = {name: value or "" for name, value in attrs}
        self.addresses += [(name, values[name]) for name in ("href", "src", "background", "action") if name in values]
        assert not any(name.startswith("on") for name in values), "a script in an attribute"
        if tag not in VOID:
            self.open.append((tag, values.get("class", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        within = {tag for tag, _ in self.open}
        classes = " ".join(kind for _, kind in self.open).split()
        if not within & {"style", "title", "head"} and "preheader" not in classes:
            self.words += data.split()


def rendered(email_id: str) -> list[Rendered]:
    """The email as Maya gets it at each location and in each sequence in which it is sent."""
    return [renderer().compiled(*use).for_person(MAYA) for use in uses() if use[0] == email_id]


# --- Every shipped email -----------------------------------------------------


@every_email
def test_every_email_renders_wherever_it_is_sent(email_id: str) -> None:
    assert rendered(email_id), "an email that nobody can get"
    hello = greeting("Maya", catalog().emails[email_id].language)
    for found in rendered(email_id):
        assert hello in found.text
        assert hello in found.html
        assert MAYA.unsubscribe_url in found.text
        assert f'href="{MAYA.unsubscribe_url}"' in found.html
        for part in (found.subject, found.preheader, found.text, found.html):
            assert not re.search(r"\{\{|\}\}|\{%|qx\d|personqx|Undefined", part)
        assert "\n" not in found.subject


@every_email
def test_html_stays_small_and_asks_nothing_of_anyone(email_id: str) -> None:
    for found in rendered(email_id):
        seen = Seen.read(found.html)
        assert len(found.html.encode()) < 60_000, "mail programs cut long messages, and the way to stop is at the end"
        assert not set(seen.tags) & {"img", "script", "link", "iframe", "form", "object", "video", "base", "svg"}
        assert not re.search(r"url\(|@import|@font-face", found.html)
        for name, address in seen.addresses:
            parts = urlsplit(address)
            assert name == "href"
            assert (parts.scheme in {"http", "https"} and parts.hostname in HOSTS) or parts.scheme in {"tel", "mailto"}


@every_email
def test_both_parts_say_the_same(email_id: str) -> None:
    """Nothing that the HTML part tells is missing from the text part, nor the other way round."""
    for found in rendered(email_id):
        brand = catalog().clinic.brand.split()
        in_html = " ".join(Seen.read(found.html).words[len(brand) :])
        lines = [re.sub(r"^\s*(?:[-=]{2,}$|- |\d{1,2}\. )", "", line) for line in found.text.splitlines()]
        in_text = re.sub(r":? https?:\S+", "", " ".join(lines))
        assert re.sub(r"\W+", "", in_text) == re.sub(r"\W+", "", in_html)


@every_email
def test_text_is_72_columns_wide_but_for_addresses(email_id: str) -> None:
    for found in rendered(email_id):
        for line in found.text.splitlines():
            assert len(re.sub(r"https?://\S+", "", line)) <= WIDTH, line
            assert line == line.rstrip(), "blanks at the end of a line"
        assert "\n" * 5 not in found.text
        assert not re.search(r"[<>]|\*\*|\]\(|&\w+;", found.text), "something of Markdown or HTML is left"


@every_email
def test_a_compiled_email_is_the_one_rendered_for_this_person(email_id: str) -> None:
    """The marks that stand for a person until the end change nothing: here, the values stand there from the start.

    But for line ends: text is wrapped before the person's own addresses, which no wrapping breaks, are known.
    """
    for use in uses():
        if use[0] == email_id:
            found = renderer().compiled(*use).for_person(MAYA)
            direct = person_by_person().compiled(*use)
            assert (found.subject, found.preheader) == (direct.subject, direct.preheader)
            assert found.html == direct.html
            assert found.text.split() == direct.text.split()


def person_by_person() -> Renderer:
    """A renderer whose content has Maya's values typed in place of the person's variables."""
    if not _PERSON_BY_PERSON:
        typed = {
            "links.unsubscribe": MAYA.unsubscribe_url,
            "links.choose": MAYA.choose_url,
            "links.confirm": MAYA.confirm_url,
        }

        def type_in(source: str, language: Language = Language.ENGLISH) -> str:
            known = typed | {"greeting": greeting(MAYA.first_name, language)}
            return re.sub(r"\{\{ ?([\w.]+) ?\}\}", lambda slot: known.get(slot[1], slot[0]), source)

        shipped = catalog()
        emails = {
            id_: replace(email, body=type_in(email.body, email.language)) for id_, email in shipped.emails.items()
        }
        blocks = {id_: type_in(block) for id_, block in shipped.blocks.items()}
        _PERSON_BY_PERSON.append(Renderer(replace(shipped, emails=emails, blocks=blocks)))
    return _PERSON_BY_PERSON[0]


_PERSON_BY_PERSON: list[Renderer] = []


# --- What people type --------------------------------------------------------

names = st.text(max_size=45) | st.sampled_from(
    ["<b>Sam</b> {{7*7}}", "[x](https://evil.example.com)", "**Sam**", "Sam\n\n# Big", "{{ config }}", "{% raw %}",
     "qx1personqx", "qx0personqx", "O'Brien", 'Sam"onclick="', "&lt;b&gt;", "\\1", r"\g<0>", "Sam & Co", "!!!"]
)  # fmt: skip


@given(names, st.sampled_from([use for use in uses() if use[0] in {"acknowledgement", "risks", "goodbye"}]))
def test_no_name_can_bring_in_markup_or_template_code(name: str, use: tuple[str, Location, str | None]) -> None:
    compiled = renderer().compiled(*use)
    found, plain = compiled.for_person(replace(MAYA, first_name=name)), compiled.for_person(MAYA)
    assert found.html == plain.html.replace("Hello Maya,", html.escape(greeting(name)), 1)
    assert found.text == plain.text.replace("Hello Maya,", greeting(name), 1)
    assert Seen.read(found.html).tags == Seen.read(plain.html).tags


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80))
def test_no_link_of_a_person_can_leave_its_attribute(tail: str) -> None:
    compiled = renderer().compiled("acknowledgement", Location.UNDECIDED, None)
    url = f"https://albanyclinic.example.com/u/{tail}"
    found = compiled.for_person(replace(MAYA, unsubscribe_url=url))
    seen = Seen.read(found.html)
    assert ("href", url) in seen.addresses
    assert seen.tags == Seen.read(compiled.for_person(MAYA).html).tags


def test_a_template_that_changes_a_persons_words_is_refused() -> None:
    """The greeting is joined in at the end: cut or shouted, its mark would reach the reader instead."""
    for slot in ("{{ greeting | upper }}", "{{ greeting[:4] }}", "{{ greeting | replace('o', 'a') }}"):
        with pytest.raises(TemplateError):
            compile_body(f"# Hello\n\n{slot} How are you?\n")


# --- Mistakes ----------------------------------------------------------------


def compile_body(body: str, location: Location = Location.CARBONDALE) -> str:
    catalog_ = catalog_with(first_visit=body)
    sequence = next(use[2] for use in uses() if use[:2] == ("first-visit", location))
    return Renderer(catalog_).compiled("first-visit", location, sequence).text


FIRST_LINE = catalog().emails["first-visit"].body_line


def test_the_body_begins_where_the_file_says() -> None:
    lines = files()["emails/first-visit.md"].splitlines()
    assert lines[FIRST_LINE - 2] == "+++"
    assert catalog().emails["first-visit"].body.splitlines()[0] == lines[FIRST_LINE - 1]


@pytest.mark.parametrize("line", [1, 2, 5, 9])
@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        ("{{ nothing }}", "there is no variable 'nothing' here"),
        ("{{ location.nothing }}", "there is no variable 'nothing' here"),
        ("{{ slot.nothing }}", "there is no variable 'nothing' here"),
        ("{{ slot.topik }}", "there is no variable 'topik' here; did you mean slot.topic?"),
        ("{{ greting }}", "there is no variable 'greting' here; did you mean greeting?"),
        ("{{ location.fone }}", "there is no variable 'fone' here; did you mean location.phone?"),
        ("{{ greeting", "'{{' is not closed; write '}}' after it"),
        ("{% if greeting", "'{%' is not closed; write '%}' after it"),
        ("{# a note", "'{#' is not closed; write '#}' after it"),
        ("{% if location.decided %}", "{% if %} is not closed; write {% endif %} where it ends"),
        ("{{ facts.nothing }}", "facts.nothing is not known at carbondale; add it to clinic.toml"),
        ("{% if nothing %}x{% endif %}", "there is no variable 'nothing' here"),
        ("{{ greeting | nothing }}", "nothing"),
        ("{% nothing %}", "nothing"),
        ("{{ }", "'{{' is not closed; write '}}' after it"),
        ("a <b>bold</b> word", "raw HTML"),
        ("<div>", "raw HTML"),
        ("<!-- a note -->", "raw HTML"),
        ("<script>alert(1)</script>", "raw HTML"),
        ("<img src='x'>", "raw HTML"),
    ],
)
def test_a_mistake_is_told_with_its_file_and_line(line: int, mistake: str, said: str) -> None:
    body = "\n\n".join(["a paragraph"] * 5).splitlines()
    body[line - 1 : line] = [mistake]
    with pytest.raises(TemplateError) as caught:
        compile_body("\n".join(body) + "\n")
    assert caught.value.source == "emails/first-visit.md"
    assert caught.value.line == FIRST_LINE + line - 1
    assert said in caught.value.problem


@pytest.mark.parametrize(
    "paragraph", ["one\ntwo\nthree <b>x</b>\nfour", "- one\n- two\n- three <b>x</b>", "> one\n> two\n> three <br> x"]
)
def test_raw_html_within_a_longer_paragraph_is_told_with_its_own_line(paragraph: str) -> None:
    with pytest.raises(TemplateError) as caught:
        refuse_raw_html(paragraph, "emails/x.md", 10)
    assert caught.value.line == 12


@pytest.mark.parametrize(
    "allowed", ["1 < 2 and 3 > 2", "<https://albanyclinic.example.com>", "&copy; &lt;b&gt;", "`<b>`", "a <3 b"]
)
def test_what_only_looks_like_html_is_allowed(allowed: str) -> None:
    refuse_raw_html(allowed, "emails/x.md")
    assert "<b>" not in to_html(allowed)


def test_a_mistake_in_a_block_names_the_block() -> None:
    blocks = {**catalog().blocks, "off-label": "fine\n\n{{ nothing }}\n"}
    broken = Renderer(replace(catalog(), blocks=blocks))
    with pytest.raises(TemplateError) as caught:
        broken.compiled("risks", Location.ALBANY, "anxiety")
    assert (caught.value.source, caught.value.line) == ("blocks/off-label.md", 3)


@pytest.mark.parametrize("layout", ["email.html", "email.txt"])
def test_a_mistake_in_a_layout_names_the_layout(layout: str) -> None:
    broken = Renderer(replace(catalog(), layout={**catalog().layout, layout: "one\ntwo {{ nothing }}\n"}))
    with pytest.raises(TemplateError) as caught:
        broken.compiled("acknowledgement", Location.ALBANY, None)
    assert (caught.value.source, caught.value.line) == (f"layout/{layout}", 2)


@pytest.mark.parametrize(
    "body",
    ["{{ claim('no-such-claim') }}", "{{ claim('depression-common') }}", "{{ block('no-such-block') }}",
     "{{ claim() }}", "{{ facts._facts }}", "{{ facts.__class__ }}", "{{ greeting.__class__.__mro__ }}",
     "{{ ''.format.__globals__ }}",
     "{{ 1 / 0 }}", "{{ block('footer' * 2) }}", "{% include 'emails/risks.md' %}", "{% extends 'x' %}",
     "{% for i in range(10 ** 9) %}x{% endfor %}", "{{ contact() }}", "{{ [] | first | upper }}",
     "{{ 'x' | int(base='y') }}",
     "{{ {}.pop() }}", "{{ [1][5] }}", "{{ 'a' + 1 }}", "#\n", "# \n\n## \n"],
)  # fmt: skip
def test_no_mistake_is_anything_but_a_template_error_or_a_plain_text(body: str) -> None:
    """Whatever else came out would stop the sending of everything, not hold one email."""
    try:
        text = compile_body(body + "\n")
    except TemplateError:
        return
    assert "object at 0x" not in text


def test_a_block_that_holds_itself_is_a_template_error() -> None:
    blocks = {**catalog().blocks, "crisis": "{{ block('crisis') }}"}
    with pytest.raises(TemplateError):
        Renderer(replace(catalog(), blocks=blocks)).compiled("acknowledgement", Location.ALBANY, None)


def test_an_undecided_lead_has_no_city_to_speak_of() -> None:
    for slot in ("{{ location.city }}", "{{ location.phone }}", "{{ links.call }}", "{{ facts.ketamine_session }}"):
        with pytest.raises(TemplateError):
            compile_body(slot, Location.UNDECIDED)


@pytest.mark.parametrize("slot", ["{{ facts.consultation }}", "{{ claim('consult-is-a-conversation') }}"])
def test_an_email_is_due_for_review_when_the_first_thing_it_states_is(slot: str) -> None:
    early = catalog().claims["consult-is-a-conversation"].review_by.replace(year=2026)
    claims = {id_: replace(claim, review_by=early) for id_, claim in catalog().claims.items()}
    places = {
        id_: replace(place, facts={name: replace(fact, review_by=early) for name, fact in place.facts.items()})
        for id_, place in catalog().clinic.places.items()
    }
    clinic = replace(catalog().clinic, places=places)
    emails = {"goodbye": replace(catalog().emails["goodbye"], body=slot, claims=("consult-is-a-conversation",))}
    soon = Renderer(replace(catalog(), claims=claims, clinic=clinic, emails=emails))
    assert soon.compiled("goodbye", Location.ALBANY, "anxiety").scope.review_by == early


def test_compiling_is_kept_and_someone_out_of_the_area_shares_the_undecided_ones() -> None:
    one = renderer().compiled("acknowledgement", Location.UNDECIDED, None)
    assert renderer().compiled("acknowledgement", Location.OUT_OF_AREA, None) is one


# --- Markdown and the text part ----------------------------------------------


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("# Title", "Title\n=====\n"),
        ("## Heading", "Heading\n-------\n"),
        ("### Small", "Small\n"),
        ("one\ntwo", "one two\n"),
        ("one\\\ntwo", "one\ntwo\n"),
        ("one\n\ntwo", "one\n\ntwo\n"),
        ("**bold** and *soft*", "bold and soft\n"),
        ("- a\n- b", "- a\n- b\n"),
        ("Words:\n\n- a\n- b\n\nMore", "Words:\n\n- a\n- b\n\nMore\n"),
        ("40 minutes is usual:\n\n- a\n- b", "40 minutes is usual:\n\n- a\n- b\n"),
        ("1. a\n2. b", "1. a\n2. b\n"),
        ("5. a\n6. b", "5. a\n6. b\n"),
        ("- a\n  - b\n  - c\n- d", "- a\n  - b\n  - c\n- d\n"),
        ("- a\\\n  b\n- c", "- a\n  b\n- c\n"),
        ("- one\n\n  two\n\n- three", "- one\n\n  two\n\n- three\n"),
        ("> said", "> said\n"),
        ("a\n\n***\n\nb", "a\n\n------------------------\n\nb\n"),
        ("[Call](tel:+1-618-555-0142)", "Call: +1-618-555-0142\n"),
        ("[618-555-0142](tel:+1-618-555-0142)", "618-555-0142\n"),
        ("[988lifeline.org](https://988lifeline.org)", "988lifeline.org\n"),
        ("[us](mailto:hello@example.com)", "us: hello@example.com\n"),
        ("[hello@example.com](mailto:hello@example.com)", "hello@example.com\n"),
        ("[Our site](https://example.com/)", "Our site: https://example.com/\n"),
        ("[**Bold** link](https://example.com/x)", "Bold link: https://example.com/x\n"),
        ("`code`", "code\n"),
        ("&amp; &copy; \\*", "& © *\n"),
    ],
)
def test_markdown_becomes_plain_text(markdown: str, text: str) -> None:
    assert to_text(markdown) == text


def test_long_lines_are_wrapped_under_their_marker() -> None:
    words = "word " * 40
    for marker, indent in (("- ", "  "), ("12. ", "    "), ("> ", "> ")):
        lines = to_text(marker + words).splitlines()
        assert lines[0].startswith(marker)
        assert len(lines) > 2
        assert all(line.startswith(indent) and len(line) <= WIDTH for line in lines[1:])


def test_a_long_address_stands_whole() -> None:
    url = "https://example.com/" + "a-b/" * 40
    assert url in to_text(f"Some words that come before it: [the page]({url}) and some after it.")


@pytest.mark.parametrize("markdown", ["```\nshown\n```", "    shown", "a\n\n    shown", "- ```\n  shown\n  ```"])
def test_what_the_html_part_shows_the_text_part_shows_too(markdown: str) -> None:
    assert "shown" in to_html(markdown)
    assert "shown" in to_text(markdown)


def test_a_link_titled_button_that_stands_alone_becomes_one() -> None:
    assert '<p class="button"><a href="x">Go</a></p>' in to_html('[Go](x "button")')
    assert "button" not in to_html('Please [go](x "button") now')
    assert "button" not in to_html('[Go](x "button") [Stay](y "button")')


markdowns = st.text(st.sampled_from("ab #*-_>`[]()\n\\!1.<&:\t~=|\"'"), max_size=80) | st.text(max_size=80)


@given(markdowns)
def test_no_markdown_is_too_odd_for_either_part(markdown: str) -> None:
    assert to_text(markdown).endswith("\n")
    to_html(markdown)


@given(markdowns)
def test_html_from_markdown_holds_no_tag_that_was_typed(markdown: str) -> None:
    tags = re.findall(r"<(\w+)", to_html(markdown.replace("<", "<script ")))
    assert "script" not in tags
