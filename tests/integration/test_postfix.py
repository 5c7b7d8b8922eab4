"""Through a real Postfix: every email arrives as we made it and is verified, and its own bounce is understood."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import cycle
from typing import Any

import dkim
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.certificates import certificate_for
from tests.support.memory import quick_folder
from tests.support.postfix import running_postfix
from tests.support.smtp import SmtpSink
from tests.support.world import World
from tests.unit.shipped import catalog, renderer, uses
from worker.delivery.base import Message, Receipt
from worker.delivery.dkim import DkimSigner, dns_record, new_key
from worker.delivery.smtp import SmtpProvider, SmtpSettings
from worker.domain.ids import new_id
from worker.storage import tables
from worker.storage.leads import Identity
from worker.storage.sealing import LookupKey
from worker.usecases.feedback.receive_mail import receive_mail
from worker.usecases.sending.compose import compose

GONE = "gone@example.com"


class Beyond(SmtpSink):
    """The mail server that Postfix hands on to: one mailbox is not there."""

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[Any]
    ) -> str:
        if address == GONE:
            return "550 5.1.1 Nobody of this name"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 known"


@pytest.fixture(scope="module")
def signer() -> DkimSigner:
    return DkimSigner.read(new_key(), "nurture", "")


@pytest.fixture(scope="module")
def beyond() -> Iterator[SmtpSink]:
    server = Beyond()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def postfix(beyond: SmtpSink, signer: DkimSigner) -> Iterator[SmtpProvider]:
    """Our adapter, with a relay behind it that does not sign."""
    with quick_folder() as folder:
        folder.chmod(0o755)
        certificate = certificate_for(folder, "relay.example.com")
        (place := folder / "postfix").mkdir()
        with running_postfix(place, beyond.port, certificate) as port:
            settings = SmtpSettings.from_url(f"smtp://127.0.0.1:{port}")
            with contextlib.closing(SmtpProvider(settings, certificate.client(), signer=signer)) as provider:
                yield provider


def the_library() -> Iterator[Message]:
    """Each email in every place where it is used, the personas taking turns."""
    people = cycle(catalog().personas.values())
    for (email_id, location, sequence), persona in zip(uses(), people, strict=False):
        send = {"id": new_id(), "lead_id": new_id(), "email": email_id, "location": location, "sequence": sequence,
                "kind": "nurture" if sequence else "acknowledgement"}  # fmt: skip
        person = Identity(email="maya@example.com", first_name=persona.first_name)
        at = datetime(2026, 3, 4, 18, 0, 1, tzinfo=UTC)
        yield compose(renderer(), send, person, LookupKey(bytes(32)), "https://leads.example.com", at)


def test_every_email_passes_a_relay_unchanged_and_is_verified_behind_it(
    postfix: SmtpProvider, beyond: SmtpSink, signer: DkimSigner
) -> None:
    sent = list(the_library())
    before = len(beyond.messages)

    outcomes = [outcome for _, outcome in postfix.deliver(sent)]
    arrived = beyond.wait_for(before + len(sent), 60)[before:]

    assert all(isinstance(outcome, Receipt) for outcome in outcomes)
    record = dns_record(signer).encode()
    raw = {mail.sender: mail.raw for mail in arrived}
    assert raw.keys() == {message.envelope_from for message in sent}
    for message in sent:
        relayed = raw[message.envelope_from]
        assert relayed.startswith(b"Received: ")
        assert relayed.endswith(message.content)
        assert dkim.verify(relayed, dnsfunc=lambda *_, **__: record)
        assert not dkim.verify(relayed.replace(b"clinic", b"c1inic", 1), dnsfunc=lambda *_, **__: record)


def test_a_bounce_that_postfix_makes_suppresses_the_address(
    world: World, postfix: SmtpProvider, beyond: SmtpSink
) -> None:
    before = len(beyond.messages)
    lead_id = world.lead_from(email=GONE)
    world.services.provider = postfix
    assert world.deliver() == {"sent": 1}, "the relay took it"

    bounce = beyond.wait_for(before + 1, 30)[-1]

    assert bounce.sender == "<>"
    assert receive_mail(world.services, bounce.raw, bounce.recipients[0]) == {"hard_bounce": 1}
    (event,) = world.rows(tables.delivery_events)
    assert (event["lead_id"], event["code"]) == (lead_id, "5.1.1")
    assert [row["scope"] for row in world.rows(tables.suppressions)] == ["all"]
