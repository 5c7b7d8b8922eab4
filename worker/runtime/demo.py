"""The demonstration: fictional people post the real form, and weeks of email pass while you watch.

It drives the product from outside, as the world would: the public form, the recipient's own unsubscribe
link, and the product clock. What it prints is read back from the database, never assumed.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from worker.content.catalog import Persona, read_content_files
from worker.content.load import load_catalog
from worker.delivery.outbox import SIMULATOR
from worker.domain.sends import SendKind, SendState
from worker.domain.staff import Role, StaffState
from worker.domain.tokens import TokenScope
from worker.outgoing import OutgoingSession
from worker.reach import Reach
from worker.settings import TEMPLATES
from worker.storage import installation, leads, send_figures, sends, staff, submissions
from worker.storage.database import Database, real_now
from worker.usecases.clock import jump_clock
from worker.usecases.sending.compose import make_token
from worker.usecases.services import Services
from worker.usecases.staff.tokens import add_token, revoke_token

QUIET_WITHIN_S = 30.0
UNSUBSCRIBES = "albany-anxiety-unsubscribed"
"""The persona who presses the link in the first email she gets."""

DEMO_ADMIN = "demo"


@dataclass(frozen=True, slots=True)
class Posted:
    """A submission that the form accepted."""

    persona: Persona
    submission_id: str
    reference: str


@dataclass
class Journey:
    """What became of the people who posted."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def totals(self) -> Counter[str]:
        """Sends by state, over all of them."""
        total: Counter[str] = Counter()
        for row in self.rows:
            total += row["states"]
        return total


def post_samples(url: str) -> Iterator[Posted]:
    """Post every persona through the form endpoint. Addresses are new at each run, so that nobody repeats."""
    catalog = load_catalog(read_content_files(TEMPLATES))
    run = uuid4().hex[:6]
    for persona in catalog.personas.values():
        body = _post(url, f"demo-{run}-{persona.id}", _fields(persona, run))
        yield Posted(persona, body["submission_id"], body["reference"])


FOR_STAFF: Mapping[str, Mapping[str, Any]] = {
    "danger": {
        "first_name": "Robin",
        "location": "carbondale",
        "condition": "depression",
        "consent_email": True,
        "message": "I do not want to live any more.",
    },
    "program": {"first_name": "Offers", "message": "Cheap watches", "website": "https://watches.example.com"},
    "bounce": {"first_name": "Kim", "location": "albany", "condition": "migraine", "consent_email": True},
    "lost": {"first_name": "Lee", "location": "albany", "condition": "anxiety", "consent_email": True},
}
"""More forms, each of which leaves something to decide: a person in danger, a program, a mailbox that does not exist,
a mail server whose answer was lost."""

FOREIGN = {"Reach me at": "the number on file", "What brings you here?": "my back"}
"""A foreign form whose questions nobody has named: it can't be mapped."""


def post_for_staff(services: Services, url: str) -> None:
    """Give the front desk and the operators something to decide in the console."""
    run = uuid4().hex[:6]
    for name, fields in FOR_STAFF.items():
        domain = SIMULATOR if name in {"bounce", "lost"} else "example.com"
        _post(url, f"demo-{run}-{name}", {**fields, "email": f"{name}+{run}@{domain}"})
    token_id, token = add_token(services, "a website builder", TokenScope.HOOKS, DEMO_ADMIN, form="clinic")
    with OutgoingSession(Reach(allows_loopback=True)) as session:
        session.post(f"{url}/v1/hooks/generic/{token}", json=FOREIGN).raise_for_status()
    revoke_token(services, token_id, DEMO_ADMIN)


def _post(url: str, key: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    with OutgoingSession(Reach(allows_loopback=True)) as session:
        answer = session.post(f"{url}/v1/submissions", json=dict(fields), headers={"Idempotency-Key": key})
    answer.raise_for_status()
    body: dict[str, Any] = answer.json()
    return body


def _fields(persona: Persona, run: str) -> dict[str, Any]:
    name, _, domain = persona.email.partition("@")
    fields = {
        "email": f"{name}+{run}@{domain}" if persona.email else "",
        "phone": persona.phone,
        "first_name": persona.first_name,
        "last_name": persona.last_name,
        "location": persona.location,
        "zip": persona.zip,
        "condition": persona.condition,
        "treatment": persona.treatment,
        "message": persona.message,
        "consent_email": persona.consent_email or persona.id == UNSUBSCRIBES,
    }
    return {key: value for key, value in fields.items() if value != ""}


def add_demo_admin(services: Services) -> str:
    """An admin named `demo` for the staff pages; the password, which is new at each start and kept nowhere else."""
    password = secrets.token_urlsafe(12)
    hashed = services.passwords.hash(password)
    with services.database.write() as connection:
        known = staff.by_name(connection, DEMO_ADMIN)
        staff_id = known["id"] if known else staff.add(connection, DEMO_ADMIN, Role.ADMIN, real_now(connection))
        staff.change(
            connection,
            str(staff_id),
            state=StaffState.ACTIVE,
            role=Role.ADMIN,
            password_hash=hashed,
            failures=0,
            locked_until=None,
        )
    return password


def run_out(
    services: Services, url: str, posted: list[Posted], progress: Callable[[datetime, Counter[str]], None]
) -> None:
    """Jump from one due instant to the next until nothing is planned any more."""
    database = services.database
    until_stored(database, posted)
    has_unsubscribed = False
    while True:
        until_quiet(database)
        if not has_unsubscribed:
            has_unsubscribed = _press_unsubscribe(services, url, posted)
        with database.read() as connection:
            due, now = sends.next_due(connection), installation.product_now(connection)
            progress(now, Counter(send_figures.counts(connection)))
        if due is None:
            return
        jump_clock(database, due)
        services.queue.deliver()


def until_stored(database: Database, posted: list[Posted]) -> None:
    """Wait until every posted submission is in the database."""
    wanted = {item.submission_id for item in posted}

    def stored() -> bool:
        with database.read() as connection:
            return submissions.confirmed(connection, wanted) == wanted

    _wait(stored, "every submission is stored")


def until_quiet(database: Database) -> None:
    """Wait until nothing is due or on its way."""

    def quiet() -> bool:
        with database.read() as connection:
            return sends.is_quiet(connection, installation.product_now(connection))

    _wait(quiet, "everything due is sent")


def read_journey(database: Database, posted: list[Posted]) -> Journey:
    """What happened, read back; with every promise that was not kept as a problem."""
    journey = Journey()
    with database.read() as connection:
        for item in posted:
            row = submissions.by_id(connection, item.submission_id)
            if row is None or row["lead_id"] is None:
                journey.problems.append(f"{item.reference}: accepted, but not stored as a lead")
                continue
            lead = leads.by_ids(connection, [row["lead_id"]])[row["lead_id"]]
            mine = sends.of_lead(connection, lead["id"])
            journey.rows.append(
                {"persona": item.persona, "lead": lead, "states": Counter(send["state"] for send in mine)}
            )
            journey.problems += _broken_promises(item, lead, mine)
    return journey


def _broken_promises(item: Posted, lead: Mapping[str, Any], mine: list[Mapping[str, Any]]) -> Iterator[str]:
    acknowledged = [
        send for send in mine if send["kind"] == SendKind.ACKNOWLEDGEMENT and send["state"] == SendState.SENT
    ]
    taught = Counter(
        send["email"] for send in mine if send["kind"] == SendKind.NURTURE and send["state"] == SendState.SENT
    )
    if lead["email_hash"] is not None and len(acknowledged) != 1:
        yield f"{item.reference}: {len(acknowledged)} acknowledgements"
    if any(count > 1 for count in taught.values()):
        yield f"{item.reference}: an email was sent twice"
    if not item.persona.consent_email and item.persona.id != UNSUBSCRIBES and taught:
        yield f"{item.reference}: taught without consent"
    open_states = {send["state"] for send in mine} & {
        SendState.UNKNOWN,
        SendState.FAILED,
        SendState.HANDED_OVER,
    }
    if open_states:
        yield f"{item.reference}: sends left {', '.join(sorted(open_states))}"


def _press_unsubscribe(services: Services, url: str, posted: list[Posted]) -> bool:
    """One person unsubscribes by the link in her first educational email, as a mail program would."""
    wanted = next((item for item in posted if item.persona.id == UNSUBSCRIBES), None)
    if wanted is None:
        return True
    with services.database.read() as connection:
        row = submissions.by_id(connection, wanted.submission_id)
        mine = sends.of_lead(connection, row["lead_id"]) if row and row["lead_id"] else []
    got = next((send for send in mine if send["kind"] == SendKind.NURTURE and send["state"] == SendState.SENT), None)
    if got is None:
        return False
    link = f"{url}/u/{make_token(got['id'], 'unsubscribe', services.vault.lookup)}"
    with OutgoingSession(Reach(allows_loopback=True)) as session:
        session.post(link, data={"List-Unsubscribe": "One-Click"}).raise_for_status()
    return True


def _wait(is_so: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + QUIET_WITHIN_S
    while not is_so():
        if time.monotonic() > until:
            raise TimeoutError(f"waited {QUIET_WITHIN_S:.0f} s until {what}")
        time.sleep(0.02)
