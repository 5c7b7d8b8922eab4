"""Drafts written in the studio: in files or in the database, by several people, until they are published."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.world import SHIPPED, World
from worker.content.catalog import read_content_files
from worker.domain.drafting import LARGEST, tidy, version_of, why_not_editable, why_not_publish
from worker.domain.staff import Role, StaffState
from worker.errors import ContentInvalid, NotFound, Refused
from worker.storage import staff
from worker.storage.database import real_now
from worker.usecases.content import content_history
from worker.usecases.content.publish import publish
from worker.usecases.drafting.desk import DraftDesk
from worker.usecases.drafting.publish_draft import publish_draft, publish_files, restore_version
from worker.usecases.drafting.save import IN_THE_FILES, Overtaken, Saved, give_up, save, versions_of
from worker.usecases.drafting.take_away import loss_of, take_away

PATH = "emails/first-visit.md"
OLD = SHIPPED[PATH]
NEW = OLD.replace("preheader = ", "preheader =  ")
BYE = "emails/goodbye.md"
LONGER = SHIPPED[BYE] + "\nBye.\n"
OTHER = OLD.replace("preheader = ", "preheader =   ")


BOTH_WAYS = pytest.mark.parametrize(
    ("databases", "desk"), [("sqlite", "files"), ("postgresql", "database")], indirect=True, ids=["files", "database"]
)
ONCE = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


@pytest.fixture
def desk(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> DraftDesk:
    """Both ways, each beginning as what is published."""
    if request.param == "database":
        return DraftDesk(database=world.database, folder=None)
    folder = tmp_path / "content"
    for path, text in SHIPPED.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return DraftDesk(database=world.database, folder=folder)


@BOTH_WAYS
def test_a_saved_text_is_the_draft_and_not_yet_what_people_get(desk: DraftDesk) -> None:
    saved = save(desk, PATH, NEW.replace("\n", "\r\n"), version_of(OLD), "kim")

    draft = desk.read()
    assert saved == Saved(version=version_of(NEW), changed=True)
    assert (draft.files[PATH], draft.published[PATH]) == (NEW, OLD)
    assert (draft.changed, draft.authors) == ((PATH,), {"kim"})
    assert not save(desk, PATH, NEW, "whatever", "kim").changed, "twice the same is one"  # type: ignore[union-attr]


@BOTH_WAYS
def test_who_saves_second_is_told_and_nothing_is_lost(desk: DraftDesk) -> None:
    save(desk, PATH, NEW, version_of(OLD), "kim")

    told = save(desk, PATH, OTHER, version_of(OLD), "sam")

    assert isinstance(told, Overtaken)
    assert (told.text, told.by) == (NEW, "kim")
    assert desk.read().files[PATH] == NEW
    assert save(desk, PATH, OTHER, told.version, "sam") == Saved(version=version_of(OTHER), changed=True)
    assert [row["text"] for row in versions_of(desk, PATH)] == [OTHER, NEW]


@ONCE
def test_in_the_database_a_publish_from_elsewhere_is_not_taken_back_by_an_old_draft(world: World) -> None:
    desk = DraftDesk(database=world.database, folder=None)
    save(desk, PATH, NEW, version_of(OLD), "kim")
    save(desk, BYE, LONGER, version_of(SHIPPED[BYE]), "kim")
    publish(desk.database, {**SHIPPED, PATH: NEW}, "Jordan Example")
    assert (desk.read().changed, desk.read().authors_of(PATH)) == ((BYE,), ()), "what is still open stays"

    publish(desk.database, {**SHIPPED, PATH: OTHER}, "Jordan Example")

    assert desk.read().changed == (BYE,)
    assert desk.read().files[PATH] == OTHER


@BOTH_WAYS
def test_a_draft_that_is_given_up_leaves_what_is_published_and_its_versions(desk: DraftDesk) -> None:
    save(desk, PATH, NEW, version_of(OLD), "kim")
    save(desk, "emails/new-one.md", NEW, version_of(None), "kim")

    give_up(desk, PATH)
    give_up(desk, "emails/new-one.md")

    assert desk.read().changed == ()
    assert "emails/new-one.md" not in desk.read().files
    assert [row["text"] for row in versions_of(desk, PATH)] == [NEW]
    with pytest.raises(NotFound):
        give_up(desk, PATH)


@BOTH_WAYS
def test_a_file_is_taken_away_after_saying_what_breaks_and_comes_back(desk: DraftDesk, world: World) -> None:
    world.post()
    email, sequence = "emails/depression-options.md", "sequences/depression.toml"

    loss = loss_of(desk, email)

    assert (loss.version, loss.people) == (version_of(SHIPPED[email]), 1)
    assert any("sequences/depression.toml" in one for one in loss.breaks), loss.breaks
    assert loss_of(desk, sequence).people == 1
    later = loss_of(desk, "emails/goodbye.md")
    assert (later.people, later.ahead) == (0, 1), "nobody has it next, and one person is to come to it"
    assert "emails/goodbye.md has this block" in loss_of(desk, "blocks/call-to-action.md").breaks
    assert "every email of its language ends with it" in loss_of(desk, "blocks/footer-es.md").breaks
    with pytest.raises(Refused, match="changed since you looked"):
        take_away(desk, email, version_of(OLD), "kim")
    take_away(desk, email, loss.version, "kim")
    draft = desk.read()
    assert (email in draft.files, draft.changed, draft.authors) == (False, (email,), {"kim"})
    with pytest.raises(ContentInvalid):
        publish_draft(desk, draft.name, "sam")
    give_up(desk, email)
    assert (desk.read().files[email], desk.read().changed) == (SHIPPED[email], ())


@BOTH_WAYS
def test_a_file_that_nobody_needs_is_published_away(desk: DraftDesk) -> None:
    extra = "blocks/extra.md"
    save(desk, extra, "A line.\n", version_of(None), "kim")
    publish_draft(desk, desk.read().name, "sam")
    loss = loss_of(desk, extra)
    assert (loss.people, loss.breaks) == (0, ())

    take_away(desk, extra, loss.version, "kim")

    assert publish_draft(desk, desk.read().name, "sam").changed
    assert (desk.read().changed, extra in desk.read().published) == ((), False)
    for needed in ("clinic.toml", "claims.toml", "safety.toml", "emails/../x.md"):
        with pytest.raises(Refused):
            take_away(desk, needed, "", "kim")


@ONCE
def test_a_draft_comes_out_as_files_again(world: World, tmp_path: Path) -> None:
    desk = DraftDesk(database=world.database, folder=None)
    save(desk, PATH, NEW, version_of(OLD), "kim")

    content_history.write_out(desk.read().files, tmp_path / "draft")

    assert read_content_files(tmp_path / "draft") == {**SHIPPED, PATH: NEW}


@ONCE
def test_what_was_typed_into_a_file_is_kept_before_it_is_written_over(world: World, tmp_path: Path) -> None:
    (tmp_path / "emails").mkdir()
    (tmp_path / PATH).write_text(OTHER, encoding="utf-8")
    desk = DraftDesk(database=world.database, folder=tmp_path)

    save(desk, PATH, NEW, version_of(OTHER), "kim")

    assert [(row["saved_by"], row["text"]) for row in versions_of(desk, PATH)] == [
        ("kim", NEW),
        (IN_THE_FILES, OTHER),
    ]
    assert (tmp_path / PATH).read_text(encoding="utf-8") == NEW
    assert [path.name for path in (tmp_path / "emails").iterdir()] == ["first-visit.md"]


@BOTH_WAYS
def test_only_what_was_read_is_published_and_by_someone_who_may(desk: DraftDesk) -> None:
    desk = DraftDesk(database=desk.database, folder=desk.folder, needs_second=True)
    save(desk, PATH, NEW, version_of(OLD), "kim")
    save(desk, BYE, SHIPPED[BYE] + "\nIt works for everyone.\n", version_of(SHIPPED[BYE]), "kim")
    read = desk.read().name
    before = content_history.history(desk.database)

    with pytest.raises(Refused, match="someone else"):
        publish_draft(desk, read, "kim")
    save(desk, PATH, OTHER, version_of(NEW), "kim")
    with pytest.raises(Refused, match="has changed since"):
        publish_draft(desk, read, "sam")
    with pytest.raises(ContentInvalid, match="MED025"):
        publish_draft(desk, desk.read().name, "sam")
    assert content_history.history(desk.database) == before
    give_up(desk, BYE)

    assert publish_draft(desk, desk.read().name, "sam", "a space").changed
    assert desk.read().changed == ()


@ONCE
def test_files_too_are_published_by_a_second_person_where_the_clinic_wants_one(world: World) -> None:
    desk = DraftDesk(database=world.database, folder=None, needs_second=True)
    files = {**SHIPPED, PATH: NEW}
    with world.database.write() as connection:
        for name, role in (("kim", Role.MARKETER), ("sam", Role.MARKETER), ("lee", Role.WRITER), ("new", Role.ADMIN)):
            staff_id = staff.add(connection, name, role, real_now(connection))
            if staff_id is not None and name != "new":
                staff.change(connection, staff_id, state=StaffState.ACTIVE)
    save(desk, PATH, NEW, version_of(OLD), "sam")
    before = content_history.history(desk.database)

    refused = [
        ("kim", "", "--written-by"), ("kim", "kim", "wrote some"), ("sam", "lee", "wrote some"),
        ("lee", "kim", "may not"),
        ("new", "lee", "no account"), ("kim", "nobody", "no account"),
    ]  # fmt: skip
    for approver, writer, said in refused:
        with pytest.raises(Refused, match=said):
            publish_files(desk, files, approver, written_by=writer)
    assert content_history.history(desk.database) == before

    assert publish_files(desk, files, "kim", written_by="lee").changed
    free = DraftDesk(database=world.database, folder=None)
    assert publish_files(free, SHIPPED, "Jordan Example").changed


@ONCE
def test_going_back_asks_for_a_second_person_as_publishing_does(world: World) -> None:
    desk = DraftDesk(database=world.database, folder=None, needs_second=True)
    with world.database.write() as connection:
        for name, role in (("kim", Role.MARKETER), ("sam", Role.MARKETER), ("lee", Role.WRITER)):
            staff_id = staff.add(connection, name, role, real_now(connection))
            assert staff_id is not None
            staff.change(connection, staff_id, state=StaffState.ACTIVE)
    save(desk, PATH, NEW, version_of(OLD), "kim")
    wrong = publish_draft(desk, desk.read().name, "sam").snapshot
    save(desk, PATH, OLD, version_of(NEW), "sam")
    right = publish_draft(desk, desk.read().name, "kim").snapshot

    for who, said in (("kim", "wrote some"), ("lee", "may not publish"), ("nobody", "no account")):
        with pytest.raises(Refused, match=said):
            restore_version(desk, wrong, who)
    restore_version(desk, wrong, "sam")

    rows = {row["snapshot"]: row for row in content_history.history(world.database)}
    assert (rows[wrong]["active"], [one["by"] for one in rows[wrong]["again"]]) == (True, ["sam"])
    assert rows[right]["again"] == []
    restore_version(DraftDesk(database=world.database, folder=None), right, "Jordan Example")


@ONCE
def test_what_was_published_and_taken_back_keeps_its_writer_in_the_files(world: World, tmp_path: Path) -> None:
    for path, text in SHIPPED.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    desk = DraftDesk(database=world.database, folder=tmp_path, needs_second=True)
    before = content_history.history(world.database)[0]["snapshot"]
    save(desk, PATH, NEW, version_of(OLD), "kim")
    publish_draft(desk, desk.read().name, "sam")

    content_history.restore(world.database, before, "sam")

    assert (desk.read().changed, desk.read().authors_of(PATH)) == ((PATH,), ("kim",))
    with pytest.raises(Refused, match="someone else"):
        publish_draft(desk, desk.read().name, "kim")
    (tmp_path / PATH).write_text(OTHER, encoding="utf-8")
    assert desk.read().authors_of(PATH) == (), "typed into the file by nobody whom we know"


@pytest.mark.parametrize(
    "path",
    [
        "../pyproject.toml", "emails/../../x.md", "emails/x.toml", "/etc/passwd", "emails/.md", "emails/X.md",
        "safety.toml", "blocks/footer.html", "layout/email.html", "emails/a.md\n", "",
    ],
)  # fmt: skip
def test_what_is_not_for_the_browser_is_refused_with_whose_it_is(path: str) -> None:
    assert why_not_editable(path)


@ONCE
def test_what_is_not_for_the_browser_is_not_saved_either(world: World) -> None:
    with pytest.raises(Refused, match="a clinician"):
        save(DraftDesk(database=world.database, folder=None), "safety.toml", "x", "", "kim")


@ONCE
def test_neither_nothing_nor_a_flood_is_saved(world: World) -> None:
    for typed in ("", " \n\t\n", "x" * (LARGEST + 1)):
        with pytest.raises(Refused):
            save(DraftDesk(database=world.database, folder=None), PATH, typed, version_of(OLD), "kim")


def test_lines_end_alike_whatever_typed_them() -> None:
    assert tidy("a\r\nb\rc\n\n") == "a\nb\nc\n"
    assert tidy(" \n") == ""


@pytest.mark.parametrize(("needs_second", "publisher", "may"), [(True, "kim", 0), (True, "sam", 1), (False, "kim", 1)])
def test_a_second_person_is_asked_for_where_the_clinic_wants_one(needs_second: bool, publisher: str, may: int) -> None:
    assert (why_not_publish(publisher, ["kim", "lee"], needs_second=needs_second) is None) == bool(may)
