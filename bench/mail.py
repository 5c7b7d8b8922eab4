"""Finished messages to send, and the usual ways to send them."""

from __future__ import annotations

import smtplib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.harness import Bench, Sample, expect, timed
from bench.letters import OURS, Letters
from bench.stages.render import a_send
from tests.support.world import PUBLIC_URL, START
from worker.content.load import load_catalog
from worker.content.render import Renderer
from worker.delivery.base import Message, Provider, Receipt
from worker.storage.leads import Identity
from worker.storage.sealing import LookupKey
from worker.usecases.sending.compose import compose


def finished(count: int, letters: Letters = OURS) -> list[Message]:
    """Messages as the pump composes them, each to another person."""
    renderer, key = Renderer(load_catalog(letters.files)), LookupKey(bytes(32))
    people = (Identity(email=f"lead{number}@example.com", first_name="Maya") for number in range(count))
    return [compose(renderer, a_send(), person, key, PUBLIC_URL, START) for person in people]


def groups(messages: Sequence[Message], size: int) -> Iterator[Sequence[Message]]:
    """As the gate lets them out."""
    return (messages[start : start + size] for start in range(0, len(messages), size))


def by_provider(provider: Provider, messages: Sequence[Message], group: int) -> Sample:
    """Hand all over, group by group, as the pump does."""
    taken = 0

    def deliver() -> None:
        nonlocal taken
        for some in groups(messages, group):
            taken += sum(isinstance(outcome, Receipt) for _, outcome in provider.deliver(some))

    sample = timed(len(messages), deliver)
    expect("messages taken", taken, len(messages))
    return sample


def by_new_connections(port: int, messages: Sequence[Message]) -> Sample:
    """`smtplib`, as most people use it."""

    def send() -> None:
        for message in messages:
            with smtplib.SMTP("127.0.0.1", port, local_hostname="bench.example.com") as connection:
                connection.sendmail(message.envelope_from, [message.recipient], message.content)

    return timed(len(messages), send)


def by_smtp_source(bench: Bench, port: int, count: int, sessions: int, letters: Letters = OURS) -> Sample:
    """Postfix's own load generator, with kept connections. Raises Absent."""
    program, folder = bench.tools.program("smtp-source"), bench.new_folder("source")
    path = write_message(folder, letters)
    words = [*program, "-d", "-s", str(sessions), "-m", str(count), "-F", str(path)]
    words += ["-f", "a@example.com", "-t", "b@example.com", f"127.0.0.1:{port}"]
    sample = timed(count, lambda: subprocess.run(words, check=True, capture_output=True))
    return Sample(sample.figure)


def write_message(folder: Path, letters: Letters) -> Path:
    """One message as smtp-source wants it: a file with plain line ends."""
    path = folder / "message.eml"
    path.write_bytes(finished(1, letters)[0].content.replace(b"\r\n", b"\n"))
    return path
