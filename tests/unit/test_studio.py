"""The studio's pages as values, and its addresses: what they show, whom they mail, and what they never do."""

from __future__ import annotations

import email
import email.policy
import os
import re
import shutil
import socket
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from email.message import EmailMessage
from itertools import product
from pathlib import Path

import pytest
import typer
from starlette.testclient import TestClient
from typer.testing import CliRunner

from tests.unit.shipped import TEMPLATES, catalog, renderer, uses
from worker.cli import app as nurture
from worker.console.studio import __main__ as program
from worker.console.studio import letters, words
from worker.console.studio.app import create_preview_app
from worker.console.studio.choice import Choice, View, choose, route_of
from worker.console.studio.drafts import Drafts
from worker.console.studio.findings import Findings
from worker.console.studio.pages import STATIC
from worker.console.studio.routes import Studio
from worker.console.studio.sources import Folder
from worker.console.studio.trial_mail import TrialMail
from worker.console.studio.views.audience import audiences, special_audience, verdict
from worker.console.studio.views.calendar import Asked, NotAnInstant, lead_calendar
from worker.console.studio.views.source import Fault, around, lines_of
from worker.console.studio.views.timeline import timeline
from worker.console.studio.views.tree import tree
from worker.content.lint.finding import Finding, Severity
from worker.content.render import Renderer
from worker.content.simulate import simulate
from worker.delivery.base import Message, Outcome, Receipt
from worker.domain.leads import Condition, Location, Treatment
from worker.domain.routing import Topic, decide_sequence
from worker.errors import TransientDeliveryError
from worker.storage.sealing import LookupKey
from worker.usecases.nurture.made_up import NotKnown
from worker.usecases.sending.compose import INERT_LINKS, read_token

NOW = datetime(2026, 3, 6, 18, 0, tzinfo=UTC)
"""A Friday noon in Carbondale."""

LINKS = "https://links.albanyclinic.example.com"
MAYA = "carbondale-depression"
HOSTILE = "albany-ptsd"
CARBONDALE, ALBANY, UNDECIDED = Location.CARBONDALE, Location.ALBANY, Location.UNDECIDED


# --- who gets an email, and why ------------------------------------------------------------------------------


def told(email_id: str) -> dict[tuple[str, Location], str]:
    return {(one.sequence, turn.location): one.people for one in audiences(catalog(), email_id) for turn in one.turns}


def test_an_audience_names_the_people_that_an_earlier_rule_takes_away() -> None:
    people = told("first-visit")

    assert people["depression", CARBONDALE] == (
        "People who ask about depression or treatment-resistant depression, unless they name Spravato or TMS as the "
        "treatment"
    )
    assert people["depression", ALBANY] == "People who ask about depression or treatment-resistant depression"
    assert people["iv-ketamine", ALBANY] == (
        "People who ask about something else or nothing that they name, if they name IV ketamine as the treatment"
    )


def test_audiences_and_the_calendar_agree_for_every_lead_there_can_be() -> None:
    """The calendar is the worker's own; whoever gets an email there is in its audience, and nobody else."""
    who = {email: told(email) for email in catalog().emails}
    for location, condition, treatment in product((CARBONDALE, ALBANY, UNDECIDED), Condition, (None, *Treatment)):
        topic = Topic(condition=condition, conditions=frozenset({condition}), treatment=treatment)
        sequence, _ = decide_sequence(location, topic, catalog().routing)
        assert sequence is not None
        steps = {step.email for step in catalog().sequences[sequence].plan_for(location).steps}
        for email_id, people in who.items():
            said = people.get((sequence, location), "")
            assert (words.CONDITIONS[condition] in said) == (email_id in steps), (email_id, location, condition)


def test_an_email_for_one_condition_has_no_other_audience() -> None:
    scope = replace(catalog().emails["risks"].scope, conditions=frozenset({Condition.PTSD}))
    narrow = replace(catalog(), emails={**catalog().emails, "risks": replace(catalog().emails["risks"], scope=scope)})

    assert {one.sequence for one in audiences(narrow, "risks")} == {"ptsd"}


def test_an_email_that_no_sequence_has_says_who_gets_it_all_the_same() -> None:
    without = replace(catalog(), sequences={})

    assert "Everyone who leaves an email address" in str(special_audience(catalog(), "acknowledgement"))
    assert "24 hours" not in str(special_audience(catalog(), "risks"))
    assert special_audience(catalog(), "first-visit") is None
    assert special_audience(without, "first-visit") == "Nobody: no sequence has this email."


@pytest.mark.parametrize(
    ("persona", "email_id", "gets", "said"),
    [
        (MAYA, "first-visit", True, "6th of 7 in “Depression”, day 26"),
        (MAYA, "acknowledgement", True, "at once"),
        (MAYA, "acknowledgement-confirm", False, "only after an unsubscribe"),
        (MAYA, "social-anxiety-options", False, "in “Depression” (Carbondale), which does not have it"),
        ("carbondale-phone-only", "acknowledgement", False, "no email address"),
        ("albany-no-consent", "first-visit", False, "not agreed to emails"),
        ("albany-no-consent", "acknowledgement", True, "at once"),
    ],
)
def test_a_persona_is_told_whether_an_email_comes_and_why_not(
    persona: str, email_id: str, gets: bool, said: str
) -> None:
    answer = verdict(catalog(), catalog().personas[persona], email_id, NOW)

    assert answer.gets is gets
    assert said in answer.text


def test_a_persona_out_of_the_area_is_left_to_a_person() -> None:
    far = replace(catalog().personas[MAYA], location="", zip="99501")

    assert "a person answers" in verdict(catalog(), far, "first-visit", NOW).text


def test_an_email_whose_review_is_overdue_reaches_nobody() -> None:
    late = datetime(2027, 12, 6, tzinfo=UTC)

    answer = verdict(catalog(), catalog().personas[MAYA], "first-visit", late)
    assert not answer.gets
    assert "review date" in answer.text


def test_every_verdict_is_what_the_calendar_does() -> None:
    for persona in catalog().personas.values():
        decided, topic = route_of(catalog(), persona)
        entries = simulate(
            renderer(), decided, topic.conditions, NOW, consent=persona.consent_email, has_address=bool(persona.email)
        )
        sent = {entry.email for entry in entries if entry.decision == "send"}
        assert sent == {one for one in catalog().emails if verdict(catalog(), persona, one, NOW).gets}, persona.id


# --- what is chosen ------------------------------------------------------------------------------------------


def chosen(email_id: str, **wanted: str) -> Choice:
    found = choose(catalog(), email_id, **{"persona": "", "location": "", "sequence": "", **wanted})
    assert found is not None
    return found


def test_an_email_is_first_shown_to_someone_who_gets_it() -> None:
    for email_id in catalog().emails:
        choice = chosen(email_id)
        if any(verdict(catalog(), persona, email_id, NOW).gets for persona in catalog().personas.values()):
            assert verdict(catalog(), choice.persona, email_id, NOW).gets, email_id


def test_a_choice_that_fits_is_kept_and_one_that_does_not_is_mended() -> None:
    assert chosen("first-visit", persona=HOSTILE).use == ("first-visit", ALBANY, "ptsd")
    assert chosen("first-visit", persona=HOSTILE, location="undecided").use == ("first-visit", UNDECIDED, "ptsd")
    assert chosen("spravato", persona=HOSTILE, location="albany").use[1] is CARBONDALE
    assert chosen("first-visit", sequence="anxiety").use[2] == "anxiety"
    assert chosen("first-visit", persona="nobody", location="nowhere", sequence="none").use in uses()
    assert chosen("first-visit").locations == (CARBONDALE, ALBANY, UNDECIDED)


def test_an_email_that_is_used_nowhere_can_not_be_chosen() -> None:
    scope = replace(catalog().emails["risks"].scope, locations=frozenset())
    nowhere = replace(catalog(), sequences={}, emails={"risks": replace(catalog().emails["risks"], scope=scope)})

    assert choose(nowhere, "risks", persona="", location="", sequence="") is None
    assert choose(catalog(), "no-such-email", persona="", location="", sequence="") is None


# --- tree and timeline ---------------------------------------------------------------------------------------


def test_the_tree_has_every_email_and_every_sequence() -> None:
    branches = tree(catalog())

    assert {leaf.email for branch in branches for leaf in branch.leaves} == set(catalog().emails)
    assert {branch.id for branch in branches} == {"", *catalog().sequences}
    depression = next(branch for branch in branches if branch.id == "depression")
    assert [leaf.email for leaf in depression.leaves] == [s.email for s in catalog().sequences["depression"].steps]
    assert depression.steps[CARBONDALE] == 7


def test_an_email_that_no_sequence_has_stands_apart_in_the_tree() -> None:
    without = replace(catalog(), sequences={"depression": catalog().sequences["depression"]})

    apart = tree(without)[-1]
    assert apart.name == "In no sequence"
    assert "ptsd-options" in [leaf.email for leaf in apart.leaves]


class Counted:
    """People who wait, as a database would count them."""

    def waiting(self, sequence: str) -> Mapping[str, int]:
        return {"options": 12, "tms": 1} if sequence == "depression" else {}


def test_a_timeline_counts_days_from_the_answer_and_says_when_each_email_may_go() -> None:
    stops = timeline(renderer(), catalog().sequences["depression"], CARBONDALE, None)

    assert [(stop.email, stop.day) for stop in stops][:4] == [
        ("acknowledgement", 0), ("depression-options", 2), ("spravato", 6), ("tms", 11),
    ]  # fmt: skip
    assert stops[0].wait == "at once"
    assert stops[1].window == "Mon to Sat, 9:00 to 18:00"
    coverage = next(stop for stop in stops if stop.step == "coverage")
    assert coverage.window == "Tue to Thu, 10:00 to 16:00"
    assert all(stop.waiting is None for stop in stops)
    assert all(stop.reading and 50 < stop.reading.words < 350 and stop.reading.grade < 9 for stop in stops)


def test_a_timeline_shows_the_people_who_wait_where_somebody_counts_them() -> None:
    stops = timeline(renderer(), catalog().sequences["depression"], CARBONDALE, Counted())

    assert {stop.step: stop.waiting for stop in stops if stop.waiting} == {"options": 12, "tms": 1}
    assert next(stop for stop in stops if stop.step == "goodbye").waiting == 0


# --- the calendar --------------------------------------------------------------------------------------------

BY_HAND = Asked(location="carbondale", condition="depression", submitted_at="2026-03-06T22:15-06:00")


def test_the_calendar_is_that_of_simulate_in_the_clinics_own_time() -> None:
    found = lead_calendar(renderer(), BY_HAND, NOW)

    assert [(one.email, f"{one.day} {one.clock}") for one in found.sent][:3] == [
        ("acknowledgement", "2026-03-06 22:15"),
        ("depression-options", "2026-03-09 9:00"),
        ("spravato", "2026-03-13 9:00"),
    ]
    assert found.zone == "America/Chicago"
    assert found.location_reason == "what they chose in the form"


def test_a_time_without_an_offset_is_the_clinics_own() -> None:
    typed = replace(BY_HAND, submitted_at="2026-03-06 22:15")

    assert lead_calendar(renderer(), typed, NOW).sent == lead_calendar(renderer(), BY_HAND, NOW).sent


def test_no_time_at_all_is_now() -> None:
    now = lead_calendar(renderer(), replace(BY_HAND, submitted_at=" "), NOW)

    assert now.submitted_at == NOW


@pytest.mark.parametrize("typed", ["tomorrow", "2026-13-01", "0001-01-01T00:00", "9999-12-31T23:59", "{{ 7*7 }}"])
def test_what_is_no_time_is_said_to_be_none(typed: str) -> None:
    with pytest.raises(NotAnInstant):
        lead_calendar(renderer(), replace(BY_HAND, submitted_at=typed), NOW)


def test_the_months_show_every_email_and_every_closed_day() -> None:
    found = lead_calendar(renderer(), replace(BY_HAND, submitted_at="2026-05-20T10:00-05:00"), NOW)
    days = {day.day: day for month in found.months for week in month.weeks for day in week if day.in_month}

    assert [one.email for day in days.values() for one in day.sent] == [one.email for one in found.sent]
    assert days[date(2026, 5, 25)].is_closed, "Memorial Day"
    assert days[date(2026, 5, 24)].is_closed, "a Sunday"
    assert not days[date(2026, 5, 26)].is_closed
    assert found.months[0].name == "May 2026"
    assert [day.day.weekday() for day in found.months[0].weeks[1]] == [6, 0, 1, 2, 3, 4, 5]


def test_a_calendar_tells_what_disagreed_and_what_is_left_out() -> None:
    torn = lead_calendar(renderer(), Asked(location="albany", zip="62901", condition="PTSD"), NOW)
    alone = lead_calendar(renderer(), replace(BY_HAND, consent=False), NOW)

    assert "their ZIP code says Carbondale" in torn.conflicts
    assert [one.email for one in alone.sent] == ["acknowledgement"]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"condition": "depresion"}, "no condition is known as “depresion”; did you mean depression?"),
        ({"location": "Albny"}, "no location is known as “Albny”; did you mean albany?"),
        ({"condition": "moonlight"}, "no condition is known as “moonlight”; there are "),
        ({"treatment": "spravatto"}, "no treatment is known as “spravatto”; did you mean spravato?"),
    ],
)
def test_a_slip_of_the_pen_is_refused_instead_of_routed_as_something_else(typed: dict[str, str], says: str) -> None:
    with pytest.raises(NotKnown, match=re.escape(says)):
        lead_calendar(renderer(), replace(BY_HAND, **typed), NOW)


# --- files as they are typed ---------------------------------------------------------------------------------


def test_a_finding_stands_at_its_line_and_nowhere_else() -> None:
    path = "emails/risks.md"
    found = [
        Fault(path=path, line=3, message="too long", severity="W"),
        Fault(path="blocks/footer.md", line=3, message="elsewhere"),
        Fault(path=path, line=None, message="as a whole"),
    ]

    lines = lines_of(path, catalog().files[path], found)
    assert [(line.number, line.found[0].message) for line in lines if line.found] == [(3, "too long")]
    assert not lines[2].is_wrong, "a warning is not an error"


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.*")), ids=lambda path: path.name)
def test_no_letter_of_a_file_is_lost_or_added(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    lines = lines_of(path.relative_to(TEMPLATES).as_posix(), text, [])
    assert ["".join(part.text for part in line.parts) for line in lines] == text.splitlines()


def test_settings_slots_and_headings_look_different() -> None:
    lines = lines_of("emails/x.md", '+++\nid = "x"\n# note\n+++\n# Hi\nA {{ b }} {% if c %}{# d #}', [])

    assert [[part.kind for part in line.parts] for line in lines] == [
        ["fence"], ["key", "front"], ["note"], ["fence"], ["heading"], ["text", "slot", "text", "logic", "note"],
    ]  # fmt: skip


def test_the_lines_about_a_fault_end_where_the_file_ends() -> None:
    assert around("a\nb\nc", 1) == [(1, "a", True), (2, "b", False)]
    assert around("a\nb\nc", 3) == [(2, "b", False), (3, "c", True)]
    assert around("a\nb\nc", 4) == []
    assert around("a\nb\nc", None) == []


# --- one message ---------------------------------------------------------------------------------------------


def letter_of(email_id: str, persona: str = MAYA) -> EmailMessage:
    choice = chosen(email_id, persona=persona)
    message = letters.message(renderer(), choice.use, choice.persona, LINKS, NOW)
    return email.message_from_bytes(message.content, policy=email.policy.default)


def test_every_header_that_leaves_is_explained() -> None:
    message = letters.message(renderer(), chosen("first-visit").use, catalog().personas[MAYA], LINKS, NOW)

    shown = letters.headers(message.content)
    assert {line.name for line in shown} == set(letters.ABOUT_HEADERS)
    assert {line.name: line.value for line in shown}["To"] == "maya@example.com"


def test_the_links_of_a_preview_are_signed_by_nobody() -> None:
    text = letter_of("first-visit").get_body(("plain",))
    assert text is not None
    (token,) = re.findall(r"/u/([\w.-]+)", text.get_content())

    assert read_token(token, "unsubscribe", INERT_LINKS), "the test reads tokens rightly"
    assert read_token(token, "unsubscribe", LookupKey(b"the key of a real installation, 32 b")) is None


def test_a_dark_screen_puts_the_emails_own_dark_rules_in_force() -> None:
    html = letters.rendered(renderer(), chosen("first-visit").use, catalog().personas[MAYA], LINKS).html

    assert "prefers-color-scheme" in html
    for painted in (letters.in_dark(html), letters.in_light(html)):
        assert "prefers-color-scheme" not in painted, "the reader's own screen no longer decides"
    assert "@media (min-width: 0)" in letters.in_dark(html)
    assert "@media (max-width: 0)" in letters.in_light(html)
    assert 'name="color-scheme" content="dark"' in letters.in_dark(html)


def test_an_inbox_line_is_cut_to_its_room() -> None:
    line = letters.inbox_line("What a first conversation is like", 10)

    assert (line.shown, line.rest) == ("What a fir", "st conversation is like")
    assert letters.inbox_line("Short", 40).rest == ""


# --- the drafts ----------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped drafts."""
    return Path(shutil.copytree(TEMPLATES, tmp_path / "email"))


USE = ("first-visit", CARBONDALE, "depression")


def save(path: Path, text: str) -> None:
    """As editors do it: a new file in the place of the old one."""
    aside = path.with_suffix(".tmp")
    aside.write_text(text, encoding="utf-8")
    os.replace(aside, path)


def test_a_saved_file_is_another_version_and_an_untouched_one_is_the_same(folder: Path) -> None:
    drafts = Drafts(Folder(folder))
    first = drafts.look()
    path = folder / "emails" / "first-visit.md"
    path.touch()
    assert drafts.look().version == first.version, "nothing was changed"

    save(path, path.read_text().replace("What happens", "What will happen"))
    second = drafts.look()
    assert second.version != first.version
    assert second.renderer is not None
    assert "What will happen" in second.renderer.compiled(*USE).html


def test_a_template_error_keeps_the_last_good_rendering_and_names_its_line(folder: Path) -> None:
    drafts = Drafts(Folder(folder))
    path = folder / "emails" / "first-visit.md"
    text = path.read_text()
    drafts.look()
    save(path, text.replace("{{ slot.topic }}", "{{ slot.topik }}"))

    shown = drafts.shown(USE)
    assert shown.problem is not None
    assert (shown.problem.source, shown.problem.line) == (
        "emails/first-visit.md",
        text[: text.index("{{ slot.topic }}")].count("\n") + 1,
    )
    assert shown.renderer is not None, "though it was never looked at before"
    assert "You asked us about depression" in shown.renderer.compiled(*USE).html

    save(path, text)
    assert drafts.shown(USE).problem is None


def test_the_last_good_rendering_outlasts_many_broken_saves(folder: Path) -> None:
    drafts = Drafts(Folder(folder))
    path = folder / "emails" / "first-visit.md"
    text = path.read_text()
    drafts.shown(USE)

    for number in range(20):
        save(path, text + f"{{{{ nothing{number} }}}}")
        shown = drafts.shown(USE)
        assert shown.problem is not None
        assert shown.renderer is not None


def test_files_that_do_not_load_keep_the_content_that_did(folder: Path) -> None:
    drafts = Drafts(Folder(folder))
    good = drafts.look()
    path = folder / "emails" / "first-visit.md"
    text = path.read_text()
    save(path, text.replace('purpose = "educational"', 'purpose = "educational'))

    broken = drafts.look()
    assert broken.renderer is good.renderer
    assert [(one.source, one.line) for one in broken.problems] == [
        ("emails/first-visit.md", text[: text.index("purpose")].count("\n") + 1)
    ], "the cause, and not all that is missing because of it"
    assert broken.version != good.version
    assert 'purpose = "educational\n' in broken.files["emails/first-visit.md"]

    save(path, text)
    assert drafts.look().problems == ()


def test_a_folder_that_is_not_there_or_not_text_is_said_to_be_so(tmp_path: Path, folder: Path) -> None:
    assert "is not there" in str(Drafts(Folder(tmp_path / "nowhere")).look().problems[0])

    drafts = Drafts(Folder(folder))
    good = drafts.look()
    (folder / "blocks" / "footer.md").write_bytes(b"Caf\xe9")
    (problem,) = drafts.look().problems
    assert "blocks/footer.md" in str(problem)
    assert "UTF-8" in str(problem)
    assert drafts.look().version != good.version
    assert drafts.look().renderer is good.renderer


def test_an_email_that_was_deleted_can_still_be_looked_at(folder: Path) -> None:
    drafts = Drafts(Folder(folder))
    drafts.look()
    (folder / "emails" / "first-visit.md").unlink()

    assert drafts.look().problems
    assert drafts.shown(USE).renderer is not None


# --- lint ----------------------------------------------------------------------------------------------------


@dataclass
class Reader:
    """A lint that finds the same thing everywhere, and counts how often it was asked."""

    asked: list[Collection[str] | None] = field(default_factory=list)

    def __call__(self, renderer: Renderer, today: date, *, emails: Collection[str] | None = None) -> Sequence[Finding]:
        self.asked.append(emails)
        return [
            Finding(
                rule="TST007",
                severity=Severity.W,
                path="emails/first-visit.md",
                line=18,
                location="",
                sequence="",
                persona="",
                message=f"On {today} this sounds <b>odd</b>.",
                fix="Say it aloud.",
            )
        ]


def test_lint_is_asked_once_for_a_version(folder: Path) -> None:
    reader, drafts = Reader(), Drafts(Folder(folder))
    findings = Findings(reader, lambda: date(2026, 3, 6))
    draft = drafts.look()

    assert findings.needs_time(draft, "risks")
    assert findings.of(draft, "risks") == findings.of(draft, "risks")
    assert not findings.needs_time(draft, "risks")
    assert reader.asked == [{"risks"}]

    save(folder / "blocks" / "crisis.md", (folder / "blocks" / "crisis.md").read_text() + "\n")
    assert findings.needs_time(drafts.look(), "risks")


def test_without_lint_there_is_nothing_to_wait_for(folder: Path) -> None:
    findings = Findings(None, lambda: date(2026, 3, 6))

    assert not findings.is_there
    assert not findings.needs_time(Drafts(Folder(folder)).look(), "risks")
    assert findings.of(Drafts(Folder(folder)).look(), "risks") == ()


# --- the addresses -------------------------------------------------------------------------------------------


@dataclass
class Sent:
    """A provider's place: what was handed over, and what it answers."""

    messages: list[Message] = field(default_factory=list)
    outcome: Outcome = field(default_factory=lambda: Receipt(provider="memory"))

    def __call__(self, message: Message) -> Outcome:
        self.messages.append(message)
        return self.outcome


JORDAN = "jordan@example.com"


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def client(folder: Path, sent: Sent) -> Iterator[TestClient]:
    studio = Studio(
        drafts=Drafts(Folder(folder)),
        findings=Findings(Reader(), NOW.date),
        now=lambda: NOW,
        links=LINKS,
        trial_mail=TrialMail(allowed=(JORDAN,), deliver=sent, where="to a test"),
        people=Counted(),
        home=("Staff pages", "/console"),
    )
    with TestClient(create_preview_app(studio), base_url="http://127.0.0.1:8610", follow_redirects=False) as found:
        yield found


EVERY_VIEW = [f"/studio/email/first-visit?view={view}" for view in View]
PAGES = [
    "/studio",
    *EVERY_VIEW,
    "/studio/email/acknowledgement",
    "/studio/sequence/depression",
    "/studio/calendar",
    f"/studio/calendar?persona={HOSTILE}",
    "/studio/calendar?submitted_at=nonsense",
    "/studio/check?wait=1",
    "/studio/file/clinic.toml",
]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_answers_and_runs_nothing_but_its_own_script(client: TestClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert re.findall(r"<script(?! src)|\son\w+=|\sstyle=", answer.text) == []
    assert [link for link in re.findall(r'(?:src|href|action)="([^"]*)"', answer.text) if "//" in link] == []


def test_an_email_in_its_frame_runs_nothing_and_loads_nothing(client: TestClient) -> None:
    page = client.get("/studio/email/first-visit").text
    frames = re.findall(r"<iframe [^>]*>", page)  # of a desk and of a phone; the screen's width chooses
    (source,) = set(re.findall(r'src="([^"]*)"', "".join(frames)))

    answer = client.get(source.replace("&amp;", "&"))
    assert all('sandbox=""' in frame for frame in frames)
    policy = answer.headers["content-security-policy"].split("; ")
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "Hello Maya," in answer.text


@pytest.mark.parametrize("view", View)
def test_a_hostile_name_is_inert_in_every_view(client: TestClient, view: View) -> None:
    answer = client.get("/studio/email/first-visit", params={"view": view, "persona": HOSTILE})

    assert answer.status_code == 200
    assert "<b>Sam</b>" not in answer.text
    assert "<script>alert" not in answer.text
    if view is not View.EVERYONE:
        assert "&lt;b&gt;Sam&lt;/b&gt; {{7*7}} gets this email" in answer.text


def test_what_is_typed_comes_back_as_text(client: TestClient) -> None:
    typed = '"><script>alert(1)</script>{{7*7}}'
    answer = client.get("/studio/calendar", params=dict.fromkeys(("location", "zip", "submitted_at"), typed))

    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}" in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/studio/email/nothing", "/studio/frame/nothing", "/studio/eml/nothing", "/studio/sequence/nothing",
        "/studio/file/nothing.md", "/studio/file/../../pyproject.toml", "/studio/file/%2e%2e%2f%2e%2e%2fpyproject.toml",
        "/studio/assets/app.py", "/nothing",
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_found(client: TestClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 404
    assert "content-security-policy" in answer.headers
    assert "hatchling" not in answer.text


def test_nobody_may_ask_under_another_name(client: TestClient) -> None:
    assert client.get("/studio", headers={"host": "evil.example.com"}).status_code == 400
    assert client.get("/studio", headers={"host": "localhost:8610"}).status_code == 200


def test_the_start_leads_to_the_studio_and_the_studio_to_what_stands_above_it(client: TestClient) -> None:
    assert client.get("/").headers["location"] == "/studio"
    assert '<a class="up" href="/console">Staff pages</a>' in client.get("/studio").text


def test_a_finding_stands_beside_the_email_and_in_its_source(client: TestClient) -> None:
    first = client.get("/studio/email/first-visit?view=source")
    assert "TST007" not in first.text, "lint keeps no page waiting"
    assert '<noscript><meta http-equiv="refresh"' in first.text
    whole = client.get("/studio/email/first-visit?view=source&wait=1").text

    assert whole.count("TST007") == 2
    assert "On 2026-03-06 this sounds &lt;b&gt;odd&lt;/b&gt;. Say it aloud." in whole
    assert 'href="/studio/file/emails/first-visit.md#L18"' in whole
    assert re.search(r'<li id="L18" class="doubtful">.*?TST007', whole, re.DOTALL)
    assert "TST007" in client.get("/studio/email/first-visit?view=source").text, "it is known by now"


def test_the_people_who_wait_stand_at_their_step(client: TestClient) -> None:
    page = client.get("/studio/sequence/depression?location=carbondale").text

    assert "12 people waiting" in page
    assert "1 person waiting" in page


def test_a_fault_is_shown_with_its_line_above_what_worked(client: TestClient, folder: Path) -> None:
    client.get("/studio/email/first-visit")
    path = folder / "emails" / "first-visit.md"
    save(path, path.read_text().replace("{{ slot.topic }}", "{{ slot.topik }}"))

    page = client.get("/studio/email/first-visit").text
    assert "This email has a fault" in page
    assert "there is no variable &#39;topik&#39; here" in page
    assert "emails/first-visit.md:22" in page
    assert "You asked us about {{ slot.topik }}" in page, "the line itself"
    assert "<iframe" in page
    assert client.get("/studio/frame/first-visit").status_code == 200


@pytest.mark.parametrize("slip", ["{{ 1/0 }}", "{{ ''.__class__ }}", "{{ subjekt }}", "{% if %}", "{{ 'a' + 1 }}"])
def test_a_fault_in_the_layout_is_told_like_any_other(client: TestClient, folder: Path, slip: str) -> None:
    client.get("/studio/email/first-visit")
    layout = folder / "layout" / "email.html"
    save(layout, layout.read_text().replace("{{ content }}", "{{ content }}" + slip))

    page = client.get("/studio/email/first-visit")
    assert page.status_code == 200
    assert "layout/email.html" in page.text
    assert "<iframe" in page.text


def test_a_mistake_of_the_studio_itself_names_its_place_and_no_content(folder: Path, sent: Sent) -> None:
    def broken_lint(renderer: Renderer, today: date, *, emails: Collection[str] | None = None) -> Sequence[Finding]:
        raise KeyError("Maya asked about depression")

    studio = Studio(
        drafts=Drafts(Folder(folder)),
        findings=Findings(broken_lint, NOW.date),
        now=lambda: NOW,
        links=LINKS,
        trial_mail=TrialMail(deliver=sent, where=""),
    )
    app = create_preview_app(studio)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        answer = client.get("/studio/check?wait=1")

    assert answer.status_code == 500
    assert "KeyError at console/studio/findings.py" in answer.text
    assert "Maya" not in answer.text
    assert "content-security-policy" in answer.headers


def test_when_nothing_ever_worked_the_pages_say_what_to_mend(folder: Path, sent: Sent) -> None:
    (folder / "routing.toml").write_text("= nonsense")
    studio = Studio(
        drafts=Drafts(Folder(folder)),
        findings=Findings(None, NOW.date),
        now=lambda: NOW,
        links=LINKS,
        trial_mail=TrialMail(deliver=sent, where=""),
    )
    with TestClient(create_preview_app(studio), base_url="http://127.0.0.1") as client:
        for path in (
            "/studio",
            "/studio/check",
            "/studio/email/first-visit",
            "/studio/sequence/ptsd",
            "/studio/calendar",
        ):
            answer = client.get(path)
            assert "routing.toml" in answer.text, path
            assert "is not valid TOML" in answer.text, path


def test_the_eml_is_the_message_that_render_writes(client: TestClient) -> None:
    answer = client.get("/studio/eml/first-visit", params={"persona": MAYA})

    assert answer.headers["content-type"] == "message/rfc822"
    assert answer.headers["content-disposition"] == (
        'attachment; filename="first-visit.carbondale.carbondale-depression.eml"'
    )
    choice = chosen("first-visit", persona=MAYA)
    assert answer.content == letters.message(renderer(), choice.use, choice.persona, LINKS, NOW).content


def test_a_subject_that_could_not_leave_is_told_and_not_sent(client: TestClient, folder: Path, sent: Sent) -> None:
    path = folder / "emails" / "first-visit.md"
    save(path, path.read_text().replace('"What a first conversation is like"', '"""What a\nfirst"""'))

    assert "could not leave" in client.get("/studio/email/first-visit?view=headers").text
    assert client.get("/studio/email/first-visit?view=inbox").status_code == 200
    assert client.get("/studio/eml/first-visit").status_code == 409
    assert "test=broken" in post_test(client)
    assert sent.messages == []


# --- test mail -----------------------------------------------------------------------------------------------


def post_test(client: TestClient, to: str = JORDAN, headers: Mapping[str, str] | None = None, **more: str) -> str:
    form = {"to": to, "persona": MAYA, "location": "carbondale", "sequence": "depression", "view": "phone", **more}
    answer = client.post("/studio/test/first-visit", data=form, headers=dict(headers or {}))
    return answer.headers.get("location", str(answer.status_code))


def test_a_test_goes_to_an_allowed_address_as_the_persona_reads_it(client: TestClient, sent: Sent) -> None:
    where = post_test(client)

    (message,) = sent.messages
    letter = email.message_from_bytes(message.content, policy=email.policy.default)
    assert message.recipient == JORDAN
    assert letter["To"] == JORDAN
    assert letter["Subject"] == "[TEST carbondale-depression] What a first conversation is like"
    assert "Hello Maya," in letter.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "test=sent" in where
    assert "view=phone" in where
    assert "Sent, to a test." in client.get(where).text


@pytest.mark.parametrize(
    "to",
    [
        "",
        "maya@example.com",
        "JORDAN@example.com",
        f"{JORDAN},maya@example.com",
        f"{JORDAN}\r\nBcc: maya@example.com",
        f" {JORDAN}",
    ],
)
def test_a_test_goes_to_no_other_address(client: TestClient, sent: Sent, to: str) -> None:
    where = post_test(client, to)

    assert "test=not_allowed" in where
    assert sent.messages == []
    assert "Nothing was sent" in client.get(where).text


def test_every_test_is_a_message_of_its_own_with_links_that_do_nothing(client: TestClient, sent: Sent) -> None:
    post_test(client)
    post_test(client)

    first, second = sent.messages
    assert first.send_id != second.send_id, "an outbox keeps both"
    (link,) = {
        link for one in sent.messages[:1] for link in re.findall(rb"/u/([\w.-]+)", one.content.replace(b"=\r\n", b""))
    }
    assert read_token(link.decode(), "unsubscribe", LookupKey(b"the key of a real installation, 32 b")) is None


def test_a_test_that_is_not_taken_or_has_a_fault_says_so(client: TestClient, sent: Sent, folder: Path) -> None:
    sent.outcome = TransientDeliveryError("busy")
    assert "test=not_taken" in post_test(client)

    path = folder / "emails" / "first-visit.md"
    save(path, path.read_text() + "{{ nothing }}")
    assert "test=broken" in post_test(client), "though the last good rendering is shown"
    assert len(sent.messages) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example.com"},
        {"origin": "null"},
    ],
)
def test_another_website_can_not_ask_for_a_test(client: TestClient, sent: Sent, headers: Mapping[str, str]) -> None:
    assert post_test(client, headers=headers) == "403"
    assert sent.messages == []


def test_the_own_page_can_ask_for_a_test(client: TestClient, sent: Sent) -> None:
    post_test(client, headers={"sec-fetch-site": "same-origin"})
    post_test(client, headers={"origin": "http://127.0.0.1:8610"})

    assert len(sent.messages) == 2


# --- the command ---------------------------------------------------------------------------------------------


def test_the_next_free_port_is_taken_and_only_on_this_machine() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        bound = program.bind(port)
        assert bound is not None
        with bound:
            assert port < bound.getsockname()[1] < port + 20
            assert bound.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    "address", ["jordan", "jordan@", "@example.com", "jordan@localhost", "jör@example.com", "a@b.c d"]
)
def test_the_command_refuses_what_is_no_address(address: str) -> None:
    done = CliRunner().invoke(nurture, ["preview", "--test-to", address])

    assert done.exit_code == 1


def test_the_command_is_there() -> None:
    command = typer.main.get_command(nurture)

    assert "preview" in getattr(command, "commands", {})


def test_the_script_stays_small() -> None:
    assert (STATIC / "studio.js").stat().st_size < 3 * 1024


def test_the_studio_has_words_for_every_closed_vocabulary() -> None:
    assert set(words.LOCATIONS) == set(Location)
    assert set(words.CONDITIONS) == set(Condition)
    assert set(words.TREATMENTS) == set(Treatment)
    assert set(words.EVIDENCE) == {
        *tomllib.loads(catalog().files["routing.toml"])["location"]["order"], "no_evidence",
    }  # fmt: skip
