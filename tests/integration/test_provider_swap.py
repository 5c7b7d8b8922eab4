"""A provider swapped in the middle of a sequence loses nothing and doubles nothing (I2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.support.providers.all import STUBS
from tests.support.providers.stub import ProviderStub
from tests.support.smtp import SmtpSink
from tests.support.world import World
from worker.delivery.providers import open_provider
from worker.storage import tables
from worker.usecases.sweep import UNKNOWN_BLOCKS_FOR


@pytest.fixture
def stubs() -> Iterator[dict[str, ProviderStub]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(closing(stub())) for name, stub in sorted(STUBS.items())}


def taken(stubs: dict[str, ProviderStub], smtp_sink: SmtpSink) -> Counter[str]:
    """How often each send was accepted, at all providers together, by their own word."""
    by_api = Counter(accepted.send_id for stub in stubs.values() for accepted in stub.accepted)
    by_smtp = Counter(received.message["Message-ID"].strip("<>").partition("@")[0] for received in smtp_sink.messages)
    return by_api + by_smtp


def test_every_email_of_a_sequence_is_taken_once_whichever_provider_has_its_turn(
    world: World, stubs: dict[str, ProviderStub], smtp_sink: SmtpSink
) -> None:
    for number in range(6):
        world.post(email=f"lead{number}@example.com")
    urls = [stub.mail_url for stub in stubs.values()] + [f"{smtp_sink.url}?tls=none"]
    for turn in range(150):
        world.services.provider.close()
        world.services.provider = open_provider(urls[turn % len(urls)], Path(), production=False)
        if turn in {2, 9, 16, 23, 30}:  # each provider in turn takes a message and says that it failed
            list(stubs.values())[turn % len(urls) % len(stubs)].next = ["500_after"]
        if world.jump_to_next_due() is None:
            if "active" not in {row["status"] for row in world.rows(tables.enrollments)}:
                break
            world.jump(UNKNOWN_BLOCKS_FOR)
        world.let_retries_come_due()
        world.sweep()
        world.deliver()
    else:
        raise AssertionError("the sequences did not end")

    assert {row["state"] for row in world.sends()} == {"sent", "unknown"}
    assert taken(stubs, smtp_sink) == {row["id"]: 1 for row in world.sends()}
    assert all(stub.accepted for stub in stubs.values())
    assert smtp_sink.messages
