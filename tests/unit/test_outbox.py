"""The outbox: real files, and addresses to practise what is seldom met."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker.delivery.base import Message, Receipt
from worker.delivery.outbox import OutboxProvider
from worker.errors import AmbiguousDeliveryError, DeliveryError, PermanentDeliveryError, TransientDeliveryError


def outcome_of(folder: Path, recipient: str) -> object:
    message = Message(
        send_id="one", recipient=recipient, envelope_from="bounces@mail.example.com", content=b"Subject: x\r\n\r\n"
    )
    ((_, outcome),) = OutboxProvider(folder).deliver([message])
    return outcome


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("bounce", PermanentDeliveryError),
        ("full", PermanentDeliveryError),
        ("busy", TransientDeliveryError),
        ("lost", AmbiguousDeliveryError),
    ],
)
def test_an_address_of_the_simulator_does_as_its_name_says_and_leaves_no_file(
    tmp_path: Path, name: str, kind: type[DeliveryError]
) -> None:
    for recipient in (f"{name}@simulator.example.com", f"{name.upper()}+k7@Simulator.example.com"):
        assert type(outcome_of(tmp_path, recipient)) is kind
    assert OutboxProvider(tmp_path).lookup("one") is None


@pytest.mark.parametrize(
    "recipient", ["bounce@example.com", "maya@simulator.example.com", "bouncer@simulator.example.com"]
)
def test_every_other_address_gets_its_file(tmp_path: Path, recipient: str) -> None:
    assert isinstance(outcome_of(tmp_path, recipient), Receipt)
    assert OutboxProvider(tmp_path).lookup("one") is not None
