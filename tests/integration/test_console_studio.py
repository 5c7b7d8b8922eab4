"""The studio in the console over HTTP: writing, meeting another writer, publishing, and the way back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from tests.support.console import Console, Person, open_console, text_of
from tests.support.world import SHIPPED, World
from worker.domain.drafting import version_of
from worker.domain.events import LeadEvent
from worker.domain.staff import Role
from worker.domain.step_texts import read_steps
from worker.settings import Settings
from worker.storage import tables
from worker.usecases.content import content_history
from worker.usecases.drafting.desk import DraftDesk
from worker.usecases.drafting.save import save
from worker.usecases.events.record_event import record_event

pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)

PATH = "emails/first-visit.md"
OLD = SHIPPED[PATH]
NEW = OLD.replace("It is a small step", "It is a little step")
OTHER = OLD.replace("It is a small step", "It is one step")


@pytest.fixture
def console(world: World, tmp_path: Path) -> Console:
    return open_console(world, tmp_path)


@pytest.fixture
def writer(console: Console) -> Person:
    console.person(Role.ADMIN, "alex")
    return console.person(Role.WRITER, "wren")


def the_desk(console: Console) -> DraftDesk:
    return DraftDesk(database=console.world.database, folder=None)


def write(person: Person, text: str, started_from: str) -> object:
    return person.post(f"/studio/edit/{PATH}", text=text, started_from=version_of(started_from))


def test_a_writer_changes_a_sentence_and_cannot_publish_it(console: Console, writer: Person) -> None:
    page = writer.get(f"/studio/edit/{PATH}")
    assert "It is a small step" in page.text
    assert f'value="{version_of(OLD)}"' in page.text

    assert write(writer, NEW.replace("\n", "\r\n"), OLD).status_code == 303  # type: ignore[attr-defined]

    assert the_desk(console).read().files[PATH] == NEW
    changes = text_of(writer.get("/studio/changes").text)
    assert "Written by wren" in changes
    assert "+ You asked us about" in changes
    assert writer.get("/studio/publish").status_code == 403
    assert "differs from what is sent" in text_of(writer.get("/studio").text)


def test_the_second_of_two_writers_is_told_and_keeps_every_word(console: Console, writer: Person) -> None:
    other = console.person(Role.MARKETER, "morgan")
    write(writer, NEW, OLD)

    told = write(other, OTHER, OLD)

    assert told.status_code == 409  # type: ignore[attr-defined]
    page = told.text  # type: ignore[attr-defined]
    assert "wren saved it" in text_of(page)
    assert "It is one step" in page
    assert "- " in text_of(page)
    assert f'name="started_from" value="{version_of(NEW)}"' in page
    assert the_desk(console).read().files[PATH] == NEW
    assert write(other, OTHER, NEW).status_code == 303  # type: ignore[attr-defined]
    versions = text_of(writer.get(f"/studio/versions/{PATH}").text)
    assert "morgan, version 2" in versions
    assert "wren, version 1" in versions
    assert "It is a little step" in writer.get(f"/studio/edit/{PATH}?version=1").text


def test_what_is_typed_is_looked_at_without_being_saved(console: Console, writer: Person) -> None:
    typed = OLD + "\nIt works for everyone, {{ slot.topik }}.\n"
    broken = writer.post(f"/studio/look/{PATH}", text=typed, started_from=version_of(OLD)).text
    shown = writer.post(f"/studio/look/{PATH}", text=typed.replace("topik", "topic"), started_from="x").text
    frame = writer.post(f"/studio/typed/{PATH}", text=NEW, persona="albany-social-anxiety")
    unshown = writer.post(f"/studio/typed/{PATH}", text="no settings")

    assert "topik" in text_of(broken)
    assert "MED025" in text_of(shown)
    assert "It works for everyone" in shown
    assert "It is a little step" in frame.text
    assert "sandbox;" in frame.headers["content-security-policy"]
    assert "frame-ancestors 'self'" in frame.headers["content-security-policy"]
    assert "can’t be shown" in unshown.text
    assert the_desk(console).read().changed == ()


def test_a_new_email_is_a_copy_that_may_be_put_into_a_sequence_at_once(console: Console, writer: Person) -> None:
    wrong = [writer.post("/studio/new", name=name, source="goodbye").status_code for name in ("A b", "x" * 51, "risks")]
    taken = writer.post("/studio/new", name="one-more", source="goodbye", step="depression/nothing", days="4")
    assert (wrong, taken.status_code) == ([422, 422, 422], 422)
    assert the_desk(console).read().changed == (), "a refused step leaves no email behind"

    made = writer.post("/studio/new", name="one-more", source="goodbye", step="depression/session", days="4")

    assert made.headers["location"] == "/console/studio/edit/emails/one-more.md"
    draft = the_desk(console).read()
    assert draft.changed == ("emails/one-more.md", "sequences/depression.toml")
    assert draft.files["emails/one-more.md"] == SHIPPED["emails/goodbye.md"].replace(
        'id = "goodbye"', 'id = "one-more"', 1
    )
    ids = [step.id for step in read_steps(draft.files["sequences/depression.toml"]).steps]
    assert ids[ids.index("session") + 1] == "one-more"


def test_an_email_and_its_step_are_called_by_the_subject(writer: Person) -> None:
    pages = ("new", "steps/depression", "steps/depression/session")
    new, steps, step = (writer.get(f"/studio/{page}").text for page in pages)
    choices = re.findall(r'<option value="([^"]*)">([^<]*)', new)
    named = "3. What happens on the day, step by step"

    assert choices[0] == ("social-anxiety-day-to-day", "A few plain words about daily life (social-anxiety-day-to-day)")
    assert ("depression/session", f"depression: after {named}") in choices
    assert f"{named}</a>" in steps
    assert f"<h1>{named}</h1>" in step


def test_steps_are_added_moved_and_taken_out_by_form(console: Console, writer: Person) -> None:
    path, at = "sequences/depression.toml", "/studio/steps/depression"

    def started_from() -> str:
        found = re.search(r'name="started_from" value="(\w+)"', writer.get(at).text)
        assert found
        return found[1]

    console.world.post()
    assert "session" in text_of(writer.get(at).text)
    shown = text_of(writer.get(f"{at}/options").text)
    assert "1 person has it as their next email, and still get it" in shown
    old = started_from()
    add = {"email": "tms-questions", "after": "", "days": "3", "only_at": "carbondale"}
    assert writer.post(at, started_from=old, **add).status_code == 303
    late = writer.post(f"{at}/session", started_from=old, do="out")
    assert (late.status_code, "was changed since you looked" in text_of(late.text)) == (409, True)
    assert writer.post(f"{at}/session", started_from=started_from(), do="out").status_code == 303
    assert writer.post(f"{at}/risks", started_from=started_from(), after="options", days="9").status_code == 303

    steps = read_steps(the_desk(console).read().files[path]).steps
    assert [(one.id, one.wait, one.only_at) for one in steps[:3]] == [
        ("tms-questions", "3 days", ("carbondale",)), ("options", "2 days", ()), ("risks", "9 days", ()),
    ]  # fmt: skip
    assert "session" not in [one.id for one in steps]
    assert writer.get("/studio/steps/nothing").status_code == 404
    write_to = writer.post(f"/studio/edit/{path}", text="id = [", started_from=started_from())
    assert write_to.status_code == 303
    assert "mend it there first" in text_of(writer.get(at).text)


def test_claims_and_blocks_are_written_like_emails_and_a_file_is_taken_away(console: Console, writer: Person) -> None:
    for path in ("claims.toml", "blocks/footer.md"):
        page = text_of(writer.get(f"/studio/edit/{path}").text)
        assert "The medical lead reads a change of this file" in page
        saved = writer.post(
            f"/studio/edit/{path}", text=SHIPPED[path] + "\n# A note.\n", started_from=version_of(SHIPPED[path])
        )
        assert saved.status_code == 303
    away = "/studio/away/emails/risks.md"
    assert "Nothing can be published until this is mended" in text_of(writer.get(away).text)
    assert writer.post(away, started_from="x").status_code == 409
    assert writer.post(away, started_from=version_of(SHIPPED["emails/risks.md"])).status_code == 303
    assert the_desk(console).read().changed == ("blocks/footer.md", "claims.toml", "emails/risks.md")
    assert "It took the file away" in text_of(writer.get("/studio/versions/emails/risks.md").text)
    assert writer.get("/studio/edit/emails/risks.md").status_code == 404


@pytest.mark.parametrize("path", ["safety.toml", "layout/email.html", "../pyproject.toml", "emails/nothing.md"])
def test_what_is_not_for_the_browser_is_not_opened(writer: Person, path: str) -> None:
    assert writer.get(f"/studio/edit/{path}").status_code in {404, 409}
    assert writer.post(f"/studio/edit/{path}", text="x", started_from="y").status_code in {404, 409}


def test_words_written_while_signed_out_are_kept_and_saved_after_signing_in(console: Console, writer: Person) -> None:
    form = {"text": NEW, "started_from": version_of(OLD)}

    signed_out = console.someone().post(f"/studio/edit/{PATH}", **form)
    stale = writer.post(f"/studio/edit/{PATH}", csrf="of before", **form)
    foreign = writer.post(f"/studio/edit/{PATH}", csrf="x", origin="https://elsewhere.example.com", **form)

    for kept in (signed_out, stale):
        assert (kept.status_code, "It is a little step" in kept.text) == (403, True)
        assert f'value="{version_of(OLD)}"' in kept.text
    assert "Sign in, in another tab" in signed_out.text
    assert "It is a little step" not in foreign.text
    assert the_desk(console).read().changed == ()
    assert write(writer, NEW, OLD).status_code == 303  # type: ignore[attr-defined]


def test_a_consent_that_says_something_else_wants_a_new_version(console: Console, writer: Person) -> None:
    marketer, forms = console.person(Role.MARKETER, "morgan"), "forms.toml"
    wording = console.world.catalog.forms["clinic"].consent_wording
    text = SHIPPED[forms].replace(wording[:30], "You may write to me. " + wording[:30])
    assert text != SHIPPED[forms]
    assert writer.post(f"/studio/edit/{forms}", text=text, started_from=version_of(SHIPPED[forms])).status_code == 303

    assert "give it a new one" in text_of(marketer.get("/studio/changes").text)
    assert marketer.post("/studio/publish", read=the_desk(console).read().name).status_code == 409
    assert len(content_history.history(console.world.database)) == 1


def test_a_block_and_a_claim_are_checked_as_they_are_written(writer: Person) -> None:
    risks, claims = "blocks/ketamine-risks.md", "claims.toml"
    less = SHIPPED[risks].replace("breathing", "breath")
    more = SHIPPED[claims].replace('says = "', 'says = "It cures. ', 1)
    assert (less, more) != (SHIPPED[risks], SHIPPED[claims])

    assert "This block no longer says 'breathing'" in text_of(writer.post(f"/studio/look/{risks}", text=less).text)
    assert "MED010" in text_of(writer.post(f"/studio/look/{claims}", text=more).text)


def test_a_marketer_publishes_what_was_read_and_takes_it_back(console: Console, writer: Person) -> None:
    marketer = console.person(Role.MARKETER, "morgan")
    desk = the_desk(console)
    console.world.post()
    before = content_history.history(desk.database)[0]["snapshot"]
    write(writer, NEW, OLD)
    page = marketer.get("/studio/publish").text
    read = re.search(r'name="read" value="(\w+)"', page)
    assert read
    assert "nobody has it next; whoever comes to it gets the new words" in text_of(page)
    save(desk, PATH, OTHER, version_of(NEW), "wren")

    late = marketer.post("/studio/publish", read=read[1], note="a word")
    assert (late.status_code, len(content_history.history(desk.database))) == (409, 1)
    assert "has changed since" in text_of(late.text)
    done = marketer.post("/studio/publish", read=desk.read().name, note="a word")

    assert done.headers["location"] == "/console/studio/history"
    published = next(row for row in content_history.history(desk.database) if row["active"])
    assert (published["approved_by"], published["note"]) == ("morgan", "a word")
    assert marketer.get("/studio/history").text.count(">sent now<") == 1
    assert PATH in text_of(marketer.get(f"/studio/history/{before[:10]}/restore").text)
    assert marketer.post(f"/studio/history/{before[:10]}/restore").status_code == 303
    assert next(row for row in content_history.history(desk.database) if row["active"])["snapshot"] == before
    assert "sent from again by morgan" in text_of(marketer.get("/studio/history").text)
    undone = desk.read()
    assert (undone.changed, undone.authors_of(PATH), undone.files[PATH]) == ((PATH,), ("wren",), OTHER)
    acts = [row["kind"] for row in console.world.rows(tables.timeline) if row["kind"] == "published" and row["via"]]
    assert len(acts) == 2


def test_a_published_draft_with_an_error_is_refused_with_its_line(console: Console, writer: Person) -> None:
    marketer = console.person(Role.MARKETER, "morgan")
    desk = the_desk(console)
    write(writer, OLD + "\nIt works for everyone.\n", OLD)

    page = text_of(marketer.get("/studio/publish").text)

    assert "emails/first-visit.md:" in page
    assert "MED025" in page
    assert "Publish the draft?" in page
    assert 'name="read"' not in page
    assert marketer.post("/studio/publish", read=desk.read().name).status_code == 409
    assert len(content_history.history(desk.database)) == 1


def test_where_the_clinic_wants_two_the_writer_of_a_change_does_not_publish_it(world: World, tmp_path: Path) -> None:
    console = open_console(world, tmp_path, second_approval=True)
    console.person(Role.ADMIN, "alex")
    marketer = console.person(Role.MARKETER, "morgan")
    write(marketer, NEW, OLD)

    assert "someone else reads them" in text_of(marketer.get("/studio/publish").text)
    assert "someone else reads them" in text_of(marketer.get("/studio/changes").text)
    assert marketer.post("/studio/publish", read=the_desk(console).read().name).status_code == 409


def test_whoever_writes_finds_their_own_work_first(world: World, tmp_path: Path) -> None:
    console = open_console(world, tmp_path, second_approval=True)
    console.person(Role.ADMIN, "alex")
    marketer, operator = console.person(Role.MARKETER, "morgan"), console.person(Role.OPERATOR, "ollie")
    empty = text_of(marketer.get("/").text)
    write(marketer, NEW, OLD)

    home = text_of(marketer.get("/").text)

    assert "what you see in the studio is what is sent" in empty
    assert "by first start: the content as shipped" in empty
    assert "None within thirty days; the next is due by" in empty
    assert "1 file differs from what is sent: emails/first-visit.md by morgan" in home
    assert "You can’t publish this: you wrote some of these changes" in home
    assert "Drafts" not in text_of(operator.get("/").text)


def test_an_email_whose_review_is_due_is_on_its_writers_first_page(console: Console, writer: Person) -> None:
    catalog = console.world.catalog
    first = min(catalog.emails.values(), key=lambda email: (email.scope.review_by, email.id))
    console.world.jump(datetime.combine(first.scope.review_by, time(18), UTC) - timedelta(days=20))

    soon = text_of(writer.get("/").text)
    console.world.jump(timedelta(days=21))
    overdue = writer.get("/").text

    assert f"{first.id} by " in soon
    assert 'class="card bad" aria-label="To be read again"' in overdue


def test_a_file_that_is_no_text_is_named_on_every_page_of_the_studio(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "content"
    for path, text in SHIPPED.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    (folder / "emails" / "risks.md").write_bytes(b"Caf\xe9")
    monkeypatch.setattr(Settings, "draft_folder", property(lambda _: folder))
    console = open_console(world, tmp_path / "console")
    marketer = console.person(Role.MARKETER, "morgan")

    assert "The draft can’t be read" in text_of(marketer.get("/").text)
    for page in ("/studio", "/studio/changes", f"/studio/edit/{PATH}", "/studio/publish"):
        answer = marketer.get(page)
        assert answer.status_code < 500, page
        assert "emails/risks.md: is not UTF-8 text; save it as UTF-8" in text_of(answer.text), page


def test_a_made_up_lead_says_whether_it_follows_the_draft_or_what_is_sent(console: Console, writer: Person) -> None:
    path = "sequences/depression.toml"
    later = SHIPPED[path].replace('wait = "2 days"', 'wait = "9 days"', 1)
    writer.post(f"/studio/edit/{path}", text=later, started_from=version_of(SHIPPED[path]))
    asked = "/studio/calendar?location=albany&condition=depression&submitted_at=2026-03-02T10:00"

    drafted, sent = text_of(writer.get(asked).text), text_of(writer.get(f"{asked}&of=sent").text)

    assert "This follows the draft" in drafted
    assert "This is what is sent now" in sent
    assert drafted.partition("What happens")[2] != sent.partition("What happens")[2]
    assert "calendar?of=sent" in writer.get("/sequences/depression").text


# --- sequences ------------------------------------------------------------------------------------------------


def test_a_sequence_tells_who_is_where_and_small_numbers_only_to_those_who_may_see_leads(
    console: Console, writer: Person
) -> None:
    world = console.world
    leads = [world.lead_from(email=f"kim{number}@example.com") for number in range(3)]
    record_event(world.services, leads[0], LeadEvent.CONSULTATION_BOOKED, "kim")
    marketer = console.person(Role.MARKETER, "morgan")

    seen = text_of(marketer.get("/sequences/depression?location=carbondale").text)
    kept_back = text_of(writer.get("/sequences/depression?location=carbondale").text)

    assert "2 wait for it 1 booked before it" in seen
    assert "The next thirty days" in seen
    assert "2 emails" in seen
    assert "People who ask about depression" in seen
    assert "2 wait for it" not in kept_back
    assert "<5 wait for it" in kept_back
    assert "The next thirty days" not in kept_back
    assert "Depression" in text_of(writer.get("/sequences").text)
    assert writer.get("/sequences/nothing").status_code == 404
