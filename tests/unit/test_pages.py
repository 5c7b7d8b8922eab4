"""What holds on every public page, and what each of them must say."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import unquote

import pytest

from tests.browser.every_page import ERRORS, HOSTILE, PAGES, TYPED, every_hostile_page, every_page, shipped
from worker.domain.leads import Condition, Language, Location, Treatment
from worker.errors import FieldError
from worker.intake import pages
from worker.intake.texts import texts
from worker.static_files import PALETTE, SHARED

CONTROLS = ("input", "select", "textarea", "button")
VOID = ("input", "br", "meta", "link", "img", "hr")


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    parent: Element | None
    text: str = ""

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]

    def get(self, name: str) -> str | None:
        return self.attributes.get(name)


@dataclass
class Page(HTMLParser):
    """Enough of a page to ask questions of it."""

    elements: list[Element] = field(default_factory=list)
    open: list[Element] = field(default_factory=list)

    @classmethod
    def read(cls, html: str) -> Page:
        page = cls()
        HTMLParser.__init__(page)
        page.feed(html)
        page.close()
        assert page.open == [], "a tag is not closed"
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute of <{tag}> stands twice"
        parent = self.open[-1] if self.open else None
        element = Element(tag, {name: value or "" for name, value in attrs}, parent)
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data

    def all(self, *tags: str) -> list[Element]:
        return [element for element in self.elements if element.tag in tags]

    def one(self, tag: str) -> Element:
        (element,) = self.all(tag)
        return element

    def named(self, name: str) -> list[Element]:
        return [element for element in self.all(*CONTROLS) if element.get("name") == name]

    def ids(self) -> list[str]:
        return [element["id"] for element in self.elements if element.get("id") is not None]

    def links(self) -> dict[str, str]:
        return {element["href"]: words(element) for element in self.all("a")}


def words(element: Element) -> str:
    return " ".join(element.text.split())


def the(name: str) -> Page:
    return Page.read(every_page()[name])


def body(page: Page) -> str:
    return words(page.one("body"))


# --- on every page ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_a_language_a_title_one_heading_and_one_main_part(name: str) -> None:
    page = the(name)
    levels = [int(element.tag[1]) for element in page.all("h1", "h2", "h3", "h4")]

    assert every_page()[name].startswith('<!DOCTYPE html>\n<html lang="en">')
    assert words(page.one("title")).endswith(" – The Albany Clinic")
    assert words(page.one("h1"))
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.one("main")["id"] == "main"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_carries_the_988_lines(name: str) -> None:
    page = the(name)

    assert "If you are in crisis or thinking about ending your life" in body(page)
    assert "call or text 988" in body(page)
    assert "911" in body(page)
    assert "not monitored around the clock" in body(page)
    assert {"tel:988", "sms:988", "https://988lifeline.org", "tel:911"} <= page.links().keys()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_gives_both_clinics_with_city_state_and_phone(name: str) -> None:
    page = the(name)

    assert "In Carbondale, Illinois" in body(page)
    assert "In Albany, New York" in body(page)
    assert page.links()["tel:+16185550142"] == "618-555-0142"
    assert page.links()["tel:+15185550178"] == "518-555-0178"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_keeps_within_its_content_security_policy(name: str) -> None:
    page = the(name)
    loaded = [element.get("src") or element.get("href") for element in page.all("script", "link", "img")]

    assert page.all("style", "iframe", "object", "embed", "base", "video", "audio") == []
    assert all(not words(script) for script in page.all("script"))
    assert all(address is not None and address.startswith("/static/") for address in loaded)
    assert [a for e in page.elements for a in e.attributes if a == "style" or a.startswith("on")] == []
    assert all(form["action"].startswith("/") for form in page.all("form"))
    assert all(form["method"] == "post" for form in page.all("form"))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_links_to_us_to_988_and_to_nobody_else(name: str) -> None:
    ours = ("/", "#", "tel:", "sms:", "https://albanyclinic.example.com/", "https://988lifeline.org")

    assert [href for href in the(name).links() if not href.startswith(ours)] == []


@pytest.mark.parametrize("name", PAGES)
def test_ids_are_unique_and_every_reference_leads_somewhere(name: str) -> None:
    page = the(name)
    ids = page.ids()
    wanted = [
        target
        for element in page.elements
        for attribute in ("for", "aria-describedby", "aria-labelledby")
        for target in (element.get(attribute) or "").split()
    ] + [href[1:] for href in page.links() if href.startswith("#")]

    assert len(ids) == len(set(ids))
    assert set(wanted) <= set(ids)


@pytest.mark.parametrize("name", PAGES)
def test_every_control_has_a_label_and_every_group_a_legend(name: str) -> None:
    page = the(name)
    labels = {element["for"]: words(element) for element in page.all("label")}
    controls = [e for e in page.all("input", "select", "textarea") if e.get("type") != "hidden"]
    legends = [element.parent for element in page.all("legend") if words(element)]

    assert [element.get("name") for element in controls if not labels.get(element["id"])] == []
    assert all(words(button) for button in page.all("button"))
    assert len(legends) == len(page.all("fieldset"))


@pytest.mark.parametrize("name", every_hostile_page())
def test_what_comes_in_is_text_and_never_html_or_template_code(name: str) -> None:
    page = Page.read(every_hostile_page()[name])
    tags = {element.tag for kind in PAGES for element in the(kind).elements}

    assert {element.tag for element in page.elements} <= tags - {"img"}
    assert all(script["src"].startswith("/static/form.js?") for script in page.all("script"))
    assert [a for e in page.elements for a in e.attributes if a.startswith("on")] == []
    assert "alert(1)>{{7*7}}&lt;" in body(page), "it is shown as it was written"


def test_a_token_stays_one_part_of_a_path() -> None:
    for name, start in (("unsubscribe", "/u/"), ("choose", "/choose/")):
        action = Page.read(every_hostile_page()[name]).all("form")[0]["action"]

        assert action.startswith(start)
        assert "/" not in action.removeprefix(start)
        assert unquote(action.removeprefix(start)) == HOSTILE


def test_titles_say_nothing_about_health() -> None:
    titles = " ".join(words(the(name).one("title")) for name in PAGES).casefold()

    assert [word for word in HEALTH_WORDS if word in titles] == []
    assert words(the("thanks").one("title")) == words(the("thanks-crisis").one("title"))


HEALTH_WORDS = (
    "depress", "anxiety", "ptsd", "trauma", "pain", "crps", "fibromyalgia", "ketamine", "spravato", "tms",
    "crisis", "988", "suicid", "mental", "treatment", "diagnos", "disorder", "therapy", "infusion",
)  # fmt: skip


# --- the form --------------------------------------------------------------------------------------------


def test_the_form_posts_the_fields_of_the_contract_and_no_others() -> None:
    form = the("form").one("form")
    names = {element["name"] for element in the("form").all("input", "select", "textarea")}

    assert (form["action"], form["method"]) == ("/v1/submissions", "post")
    assert names == {*TYPED, "form", "idempotency_key", "form_token", "website"}


def test_the_form_carries_its_key_its_nonce_and_its_token() -> None:
    hidden = {e["name"]: e["value"] for e in the("form").all("input") if e.get("type") == "hidden"}

    assert hidden == {
        "form": "clinic",
        "idempotency_key": "0123456789abcdef",
        "form_token": "0123456789abcdef.1700000000.c2lnbmVk",
    }


def test_nothing_is_chosen_ticked_or_typed_before_the_person_does_it() -> None:
    page = the("form")

    assert [e["name"] for e in page.all("input") if e.get("checked") is not None] == []
    assert [e["name"] for e in page.all("input") if e.get("type") in ("text", "email", "tel") and e.get("value")] == []
    assert page.named("message")[0].text.strip() == ""
    assert [e["value"] for e in page.all("option") if e.get("selected") is not None] == []


def test_nothing_is_required_but_a_way_to_answer_and_the_form_says_so_first() -> None:
    html = every_page()["form"]

    assert "required" not in html
    assert html.index("an email address or a phone number. Everything else is optional") < html.index("<form")


def test_consent_shows_the_registered_wording_and_depends_on_nothing() -> None:
    page = the("form")
    (box,) = page.named("consent_email")
    label = next(element for element in page.all("label") if element["for"] == "consent_email")

    assert (box["type"], box.get("checked")) == ("checkbox", None)
    assert words(label) == shipped()[1].consent_wording
    assert "Asking for a consultation does not depend on it." in body(page)


def test_the_clinics_are_written_with_their_states_and_one_may_be_unsure() -> None:
    page = the("form")
    labels = {element["for"]: words(element) for element in page.all("label")}

    assert {e["value"]: labels[e["id"]] for e in page.named("location")} == {
        "carbondale": "Carbondale, Illinois",
        "albany": "Albany, New York",
        "": "Not sure yet",
    }


def test_every_condition_is_there_in_plain_words() -> None:
    page = the("form")
    labels = {element["for"]: words(element) for element in page.all("label")}
    offered = {e["value"]: labels[e["id"]] for e in page.named("condition")}

    assert offered.keys() == set(Condition)
    assert offered["not_said"] == "Prefer not to say"
    assert not any("_" in label for label in offered.values())


def test_a_treatment_that_one_place_lacks_says_where_it_is() -> None:
    offered = {element["value"]: words(element) for element in the("form").all("option")}

    assert offered.keys() == {"", *Treatment}
    assert offered["iv_ketamine"] == "IV ketamine"
    assert offered["spravato"].endswith(", only in Carbondale, Illinois")
    assert offered["tms"].endswith(", only in Carbondale, Illinois")


def test_every_treatment_has_words_even_while_no_place_offers_it() -> None:
    for language in Language:
        assert texts(language)["treatments"].keys() == set(Treatment)
        assert texts(language)["conditions"].keys() == set(Condition)


def test_browsers_can_fill_in_what_they_know() -> None:
    page = the("form")
    known = {e["name"]: e["autocomplete"] for e in page.all("input") if e.get("autocomplete")}

    assert known == {
        "first_name": "given-name",
        "last_name": "family-name",
        "email": "email",
        "phone": "tel",
        "zip": "postal-code",
        "website": "off",
    }


def test_the_trap_is_out_of_the_way_of_people() -> None:
    (trap,) = the("form").named("website")

    assert trap["tabindex"] == "-1"
    assert trap.parent is not None
    assert trap.parent["aria-hidden"] == "true"


def test_an_error_page_keeps_everything_that_was_typed() -> None:
    page = the("form-errors")
    texts = ("first_name", "last_name", "email", "phone", "zip")
    chosen = [(e["name"], e["value"]) for e in page.all("input") if e.get("checked") is not None]

    assert {name: page.named(name)[0]["value"] for name in texts} == {name: TYPED[name][0] for name in texts}
    assert chosen == [
        ("preferred_contact", "phone"),
        ("location", ""),
        ("condition", "ptsd"),
        ("condition", "fibromyalgia"),
        ("consent_email", "yes"),
    ]
    assert [e["value"] for e in page.all("option") if e.get("selected") is not None] == ["tms"]
    assert page.named("message")[0].text == "\n" + TYPED["message"][0], "a browser drops the first line break"


@pytest.mark.parametrize("value", ["on", "true", "1", "YES"])
def test_a_ticked_consent_stays_ticked_however_it_was_posted(value: str) -> None:
    clinic, form = shipped()
    html = pages.form_page(form, clinic, values={"consent_email": [value]}, errors=ERRORS, nonce="n", token="t")

    assert Page.read(html).named("consent_email")[0].get("checked") is not None


def test_errors_are_listed_first_and_lead_to_their_fields() -> None:
    page = the("form-errors")
    (summary,) = [element for element in page.elements if element.get("role") == "alert"]
    listed = [words(element) for element in page.all("li") if element.parent and element.parent.parent is summary]

    assert summary.get("autofocus") is not None, "it gets the focus without any script"
    assert summary["tabindex"] == "-1"
    assert listed == [
        "Email address: Please enter an email address like name@example.com.",
        "Phone number: Please enter a phone number like 618-555-0142.",
        "Which clinic would you come to? Please keep this within 200 characters.",
        "No such form is registered; leave `form` out for the clinic's own.",
        "Please wait a minute and try again.",
    ]
    assert [href for href in page.links() if href.startswith("#")] == [
        "#main",
        "#email",
        "#phone",
        "#location",
    ]


@pytest.mark.parametrize("name", sorted(TYPED))
def test_every_field_can_show_its_error(name: str) -> None:
    clinic, form = shipped()
    error = FieldError(pointer=f"/{name}", code="some.code", detail="Please look at this.")
    page = Page.read(pages.form_page(form, clinic, values={}, errors=[error], nonce="n", token="t"))
    note = next(element for element in page.elements if element.get("id") == f"{name}-error")
    described = [e for e in page.elements if f"{name}-error" in (e.get("aria-describedby") or "").split()]

    assert words(note) == "Error: Please look at this."
    assert len(described) == 1
    assert described[0].tag == "fieldset" or described[0]["name"] == name
    assert page.links()[f"#{name}"].endswith("Please look at this.")
    assert words(page.one("title")).startswith("Please check")


def test_two_errors_of_one_field_and_of_one_of_its_values_stand_together() -> None:
    clinic, form = shipped()
    errors = [FieldError(pointer=pointer, code="c", detail=pointer) for pointer in ("/condition", "/condition/1")]
    page = Page.read(pages.form_page(form, clinic, values={}, errors=errors, nonce="n", token="t"))

    assert next(words(e) for e in page.elements if e.get("id") == "condition-error") == "Error: /condition /condition/1"


# --- the other pages -------------------------------------------------------------------------------------


def test_thanks_show_the_reference_and_what_happens_next() -> None:
    assert "TAC-7Q4F-2K" in body(the("thanks"))
    assert "What happens next" in body(the("thanks"))


def test_in_a_crisis_help_comes_before_everything_else() -> None:
    page = the("thanks-crisis")
    text, buttons = body(page), [e["href"] for e in page.all("a") if e.get("class") == "button"]

    assert page.all("aside") == []
    assert buttons == ["tel:988", "sms:988"]
    assert page.one("h1").parent is page.one("section")
    assert page.one("section").parent is page.one("main")
    assert text.index("call or text 988") < text.index("618-555-0142") < text.index("TAC-7Q4F-2K")


def test_in_a_crisis_nobody_is_told_of_a_diagnosis_or_a_treatment() -> None:
    main = words(the("thanks-crisis").one("main")).casefold()

    assert [word for word in HEALTH_WORDS if word in main and word not in ("crisis", "988")] == []


def test_a_problem_says_what_how_to_reach_us_and_the_way_back() -> None:
    page = the("problem")

    assert words(page.one("h1")) == "Something went wrong on our side"
    assert "Please try again in a moment, or call us." in body(page)
    assert "The fault is ours." in body(page)
    assert "The fault is ours." not in body(the("too-much"))
    assert page.links()["/form"] == "open our form"


def test_unsubscribing_takes_one_button_which_comes_first() -> None:
    page = the("unsubscribe")
    first, *fewer = page.all("button")

    assert (words(first), first["type"], first.get("name")) == ("Stop the emails", "submit", None)
    assert [(button["name"], button["value"]) for button in fewer] == [("choice", "month"), ("choice", "series")]
    assert {form["action"] for form in page.all("form")} == {"/u/abc"}
    assert page.all("input", "select", "textarea") == []


def test_a_choice_of_fewer_says_what_happens_and_that_all_can_still_be_stopped() -> None:
    assert words(the("paused").one("h1")) == "It is done. Nothing more will come before April 1, 2026."
    assert words(the("series-ended").one("h1")) == "It is done. This series has ended."
    for name in ("paused", "series-ended"):
        assert "a link that stops them" in body(the(name))
        assert the(name).all("form", "button", "input") == []


def test_after_unsubscribing_there_is_nothing_to_press_and_a_way_to_come_back() -> None:
    page = the("unsubscribed")

    assert page.all("form", "button", "input") == []
    assert "tick the box for emails" in body(page)
    assert "/form" in page.links()


def test_choosing_takes_one_of_two_buttons() -> None:
    page = the("choose")

    assert page.one("form")["action"] == "/choose/abc"
    assert [(b["name"], b["value"], words(b)) for b in page.all("button")] == [
        ("location", "carbondale", "Choose Carbondale, Illinois"),
        ("location", "albany", "Choose Albany, New York"),
    ]
    for place in shipped()[0].places.values():
        assert place.address in words(page.one("form"))
        assert place.phone in words(page.one("form"))


def test_a_choice_is_answered_with_what_happens_next() -> None:
    page, albany = the("chosen"), shipped()[0].places[Location.ALBANY]

    assert words(page.one("h1")) == "Thank you. You chose Albany, New York."
    assert page.all("button") == []
    assert albany.address in words(page.one("main"))
    assert albany.phone in words(page.one("main"))


# --- what goes with them ---------------------------------------------------------------------------------


def test_everything_is_small_enough_for_a_bad_connection() -> None:
    sizes = {file.name: file.stat().st_size for file in pages.STATIC.iterdir() if file.is_file()}

    assert sizes.keys() == {"clinic.css", "form.js", "icon.svg"}
    assert sizes["clinic.css"] + PALETTE.stat().st_size < 6_500
    assert sizes["form.js"] < 2_000
    assert all(len(html.encode()) < 12_000 for html in every_page().values())


def test_static_files_ask_for_nothing_and_none_is_linked_that_is_not_there() -> None:
    css = (pages.STATIC / "clinic.css").read_text(encoding="utf-8")
    linked = {re.sub(r"\?.*", "", e.get("src") or e["href"]) for e in the("form").all("script", "link")}

    assert re.search(r"url\(|@import|@font-face", css) is None
    assert linked == {f"/static/{file.name}" for file in (PALETTE, *pages.STATIC.iterdir())}


def test_colours_are_named_in_one_file_for_all_our_pages() -> None:
    worker = SHARED.parent
    ours = [path for path in worker.rglob("*.css") if path.name != "prism-code-editor.css"]
    a_colour = re.compile(r"--[\w-]+:[^;]*(#[0-9a-f]{3}|\brgb|\bhsl)")
    naming = [path for path in ours if a_colour.search(path.read_text(encoding="utf-8"))]

    assert naming == [PALETTE]


def palettes() -> dict[str, dict[str, str]]:
    css = PALETTE.read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]
    colours = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in (light, dark)]
    return {"light": colours[0], "dark": colours[1]}


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


READ = [
    *[(ink, paper) for ink in ("text", "heading", "quiet", "accent") for paper in ("ground", "card")],
    ("text", "help"),
    ("heading", "help"),
    ("bad", "card"),
    ("on-accent", "accent"),
]
SEEN = [
    ("line", "card"),
    ("focus", "card"),
    ("focus", "ground"),
    ("focus", "help"),
    ("help-line", "help"),
    ("accent", "help"),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_and_every_line_seen(scheme: str) -> None:
    palette = palettes()[scheme]
    weak = [
        f"{ink} on {paper}: {contrast(palette[ink], palette[paper]):.2f}"
        for pairs, least in ((READ, 4.5), (SEEN, 3.0))
        for ink, paper in pairs
        if contrast(palette[ink], palette[paper]) < least
    ]

    assert weak == []
    assert palettes()["dark"].keys() == palettes()["light"].keys()
