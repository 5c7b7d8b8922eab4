"""What every page of the console shares: the navigation, names instead of ids, tables that a phone can show."""

from __future__ import annotations

from dataclasses import replace

import pytest
from markupsafe import Markup

from tests.unit.shipped import catalog
from worker.console.look import labelled
from worker.console.menu import NavItem, menu_of
from worker.console.names import Names
from worker.storage.pauses import PauseScope

ITEMS = [
    NavItem(name=name, path=path, needs=None)
    for name, path in (("Home", "/"), ("Leads", "/leads"), ("Quarantine", "/quarantine"), ("Parked", "/parked"),
                       ("A new page", "/new"), ("Account", "/account"))
]  # fmt: skip


@pytest.mark.parametrize(
    ("here", "group", "pages"),
    [
        ("/", "Home", {}),
        ("/leads", "People", {"Leads": "page", "Quarantine": ""}),
        ("/leads/0195", "People", {"Leads": "true", "Quarantine": ""}),
        ("/new", "Operation", {"Parked": "", "A new page": "page"}),
        ("/leadsheet", "Operation", {"Parked": "", "A new page": ""}),
    ],
)
def test_the_menu_shows_the_groups_and_the_pages_of_the_one_where_one_is(
    here: str, group: str, pages: dict[str, str]
) -> None:
    menu = menu_of(ITEMS, here)

    assert [link.name for link in menu.groups] == ["Home", "People", "Operation", "Staff"], "none without a page"
    assert [link.path for link in menu.groups] == ["/", "/leads", "/parked", "/account"], "each leads to its first"
    assert [link.name for link in menu.groups if link.current] == [group]
    assert {link.name: link.current for link in menu.pages} == pages


def test_places_sequences_and_emails_are_called_by_their_names() -> None:
    names = Names(catalog())

    assert names.sequence("iv-ketamine") == "IV ketamine"
    assert names.email("first-visit") == catalog().emails["first-visit"].subject
    assert names.email_alone("first-visit") == names.email("first-visit")
    assert names.place("out_of_area") == "Out of the area"
    assert names.paused(PauseScope.SEQUENCE, "ptsd") == "sequence PTSD"
    assert names.paused(PauseScope.ALL, None) == "everything"


def test_two_emails_of_one_subject_are_told_apart_by_their_sequences() -> None:
    content = catalog()
    twin = replace(content.emails["pain-options"], subject=content.emails["depression-options"].subject)
    names = Names(replace(content, emails={**content.emails, "pain-options": twin}))

    assert names.email_alone("pain-options") == f"{twin.subject} ({names.sequence('chronic-pain')})"
    assert names.email_alone("depression-options") == f"{twin.subject} ({names.sequence('depression')})"


@pytest.mark.parametrize("names", [Names(catalog()), Names(None)])
def test_what_is_not_published_any_more_is_told_as_words(names: Names) -> None:
    assert names.sequence("last-spring") == "last spring"
    assert names.email("a-former-email") == "a former email"


def test_cells_carry_the_name_of_their_column_and_row_headings_do_not() -> None:
    rows = Markup(
        '<tr><th scope="row">a</th><td><time>now</time></td><td class="x"></td></tr><tr><th>b</th><td>c</td></tr>'
    )

    assert labelled(rows, ["Who", 'When "there"', ""]) == (
        '<tr><th scope="row">a</th><td data-label="When &#34;there&#34;"><time>now</time></td><td class="x"></td></tr>'
        '<tr><th>b</th><td data-label="When &#34;there&#34;">c</td></tr>'
    )
