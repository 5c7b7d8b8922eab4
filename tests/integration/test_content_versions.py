"""Published versions: whom a change reaches, the exact copy of each, and the way back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.world import SHIPPED, World
from worker.content.catalog import read_content_files
from worker.content.snapshots import pack
from worker.errors import ContentInvalid, NotFound
from worker.storage import contents, installation
from worker.storage.database import Database
from worker.usecases.content import content_history
from worker.usecases.content.publish import check, publish
from worker.usecases.content.waiting import WaitingPeople
from worker.usecases.prepare import prepare

EMAIL = "emails/depression-options.md"


def changed(path: str, old: str, new: str) -> dict[str, str]:
    assert old in SHIPPED[path]
    return {**SHIPPED, path: SHIPPED[path].replace(old, new)}


def test_a_later_start_publishes_nothing_whatever_stands_in_the_files(world: World) -> None:
    """It may be a draft that nobody has approved, or what somebody took back."""
    prepare(world.database, world.services.ring, 0.0, changed(EMAIL, "preheader = ", "preheader =  "))

    assert len(content_history.history(world.database)) == 1


def test_a_change_names_the_people_who_get_it_next(world: World) -> None:
    world.post()
    world.post(email="sam@example.com", condition="ptsd")
    draft = changed(EMAIL, "preheader = ", "preheader =  ")

    (reached,) = content_history.touched(world.database, draft)

    assert (reached.path, reached.people) == (EMAIL, 1)
    assert "new words" in reached.effect


@pytest.mark.parametrize(("people", "words"), [(0, "nobody"), (1, "1 person; it"), (1200, "1,200 people; it")])
def test_people_are_counted_as_one_speaks(people: int, words: str) -> None:
    assert content_history.Touched(path=EMAIL, people=people, effect="waits", nobody="nobody").in_words.startswith(
        words
    )


def test_looking_at_a_change_checks_it_and_changes_nothing(world: World) -> None:
    before = content_history.history(world.database)
    draft = changed("emails/first-visit.md", "+++\n\n", "+++\n\nIt cures pain. ")

    with pytest.raises(ContentInvalid, match="MED010"):
        check(world.database, draft)

    assert check(world.database, SHIPPED).catalog.emails
    assert content_history.history(world.database) == before


def test_other_words_of_consent_under_the_version_that_people_agreed_to_are_refused(world: World) -> None:
    other = changed("forms.toml", "Yes, email me", "Please write to me")
    named = {**other, "forms.toml": other["forms.toml"].replace("2026-11-01", "2027-01-01")}

    with pytest.raises(ContentInvalid, match="'clinic' changed under its old consent_version"):
        publish(world.database, other, "Jordan Example")

    assert publish(world.database, named, "Jordan Example").changed


def test_content_that_can_not_be_read_any_more_is_mended_by_publishing(world: World) -> None:
    with world.database.write() as connection:
        contents.store(
            connection, "old", pack({"forms.toml": "of an earlier release"}), world.now, "Jordan Example", ""
        )
        installation.activate(connection, "old")

    assert publish(world.database, SHIPPED, "Jordan Example").changed


def test_a_changed_order_leaves_the_people_in_it_alone(world: World) -> None:
    world.post()
    draft = changed("sequences/depression.toml", 'name = "', 'name = "Our ')

    (reached,) = content_history.touched(world.database, draft)

    assert reached.people == 1
    assert "keep the order" in reached.effect


def test_an_earlier_version_can_be_sent_from_again(world: World) -> None:
    first = content_history.history(world.database)[0]["snapshot"]
    publish(world.database, changed(EMAIL, "preheader = ", "preheader =  "), "Jordan Example", "spacing")
    assert [version["active"] for version in content_history.history(world.database)].count(True) == 1
    assert not next(v for v in content_history.history(world.database) if v["snapshot"] == first)["active"]

    content_history.restore(world.database, first[:8], "Riley Example")

    assert next(v for v in content_history.history(world.database) if v["snapshot"] == first)["active"]


def test_the_exact_files_of_a_version_come_out_again(world: World, tmp_path: Path) -> None:
    version = content_history.history(world.database)[0]["snapshot"]

    written = content_history.export(world.database, version, tmp_path / "out")

    assert read_content_files(tmp_path / "out") == dict(SHIPPED)
    assert written == len(SHIPPED)
    with pytest.raises(NotFound):
        content_history.export(world.database, version, tmp_path / "out")


@pytest.mark.parametrize("wanted", ["", "zzzz", "no such"])
def test_a_version_that_is_not_there_is_said_to_be_so(world: World, wanted: str) -> None:
    with pytest.raises(NotFound):
        content_history.restore(world.database, wanted, "Jordan Example")


def test_the_studio_shows_how_many_wait_at_each_step(world: World) -> None:
    world.post()
    world.post(email="sam@example.com")
    world.post(email="kim@example.com", condition="ptsd")

    waiting = WaitingPeople(world.database).waiting("depression")

    assert list(waiting.values()) == [2]
    assert WaitingPeople(world.database).waiting("anxiety") == {}


def test_a_database_that_is_not_there_shows_nobody_and_stops_nothing(tmp_path: Path) -> None:
    assert WaitingPeople(Database(f"sqlite:///{tmp_path / 'none.db'}")).waiting("depression") == {}
