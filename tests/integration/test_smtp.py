"""SMTP: a real server that keeps what it is given, and a stub that misbehaves at every phase.

Before the final dot every failure is certain; after it, only an answer is (I2).
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dkim
import pytest

from tests.support.certificates import certificate_for
from tests.support.smtp import SmtpSink
from worker.delivery.base import Message, Outcome, Receipt
from worker.delivery.dkim import DkimSigner, dns_record, new_key
from worker.delivery.smtp import SmtpProvider, SmtpSettings
from worker.domain.ids import new_id
from worker.errors import AmbiguousDeliveryError, ConfigurationError, PermanentDeliveryError, TransientDeliveryError

CLOSE, RESET, SILENT = "(close)", "(reset)", "(silent)"
USUAL = {
    "BANNER": "220 stub ESMTP",
    "EHLO": "250 stub",
    "HELO": "250 stub",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go on",
    "DOT": "250 2.0.0 queued as Q1",
    "RSET": "250 ok",
    "QUIT": "221 bye",
}
OUT_OF_TURN = "503 5.5.1 first things first"
OFFERS = {"EHLO": USUAL["EHLO"]}
"""What the stub says of itself, unless a test says otherwise."""


@pytest.fixture(autouse=True, params=["250 stub", "250-stub\r\n250 PIPELINING"], ids=["stepwise", "pipelined"])
def _mode(request: pytest.FixtureRequest) -> None:
    """Everything here holds for a server that pipelines and for one that does not."""
    OFFERS["EHLO"] = request.param


@dataclass
class Stub:
    """An SMTP server that does what its script says: an answer for a phase, or several in turn, the last for ever."""

    script: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0
    tls: ssl.SSLContext | None = None
    looks_ahead: bool = False
    overlaps: int = 0

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._done = threading.Event()
        self._seen: dict[str, int] = {}
        self._open: set[str] = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def url(self, query: str = "?tls=none") -> str:
        return f"smtp://127.0.0.1:{self._listener.getsockname()[1]}{query}"

    def stop(self) -> None:
        self._done.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self._done.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._threads.append(threading.Thread(target=self._serve, args=(connection,), daemon=True))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        if self.tls is not None:
            try:
                connection = self.tls.wrap_socket(connection, server_side=True)
            except OSError:  # the client did not like the certificate
                return
        with connection, connection.makefile("rb") as lines:
            try:
                if not self._react(connection, "BANNER"):
                    return
                while line := lines.readline():
                    self.commands.append(line.decode(errors="replace").strip())
                    phase = line[:4].decode(errors="replace").upper()
                    if not self._react(connection, phase):
                        return
                    if phase == "DATA" and self._is_going_on and not self._take_content(connection, lines):
                        return
                    if phase == "QUIT":
                        return
            except OSError:
                return

    def _take_content(self, connection: socket.socket, lines: object) -> bool:
        body = b""
        while (line := lines.readline()) not in {b".\r\n", b""}:  # type: ignore[attr-defined]
            body += line
            if self.script.get("CONTENT") == RESET:
                return self._do(connection, RESET)
        if line != b".\r\n":
            return False  # whoever hangs up before the dot has sent nothing
        self.bodies.append(body)
        if self.looks_ahead:  # what a client sends along, it sends before it has our answer
            self.overlaps += bool(lines.peek(1))  # type: ignore[attr-defined]
        return self._react(connection, "DOT")

    def _usual(self, phase: str) -> str:
        """A command out of turn is refused, as servers do."""
        if phase == "EHLO":
            return OFFERS["EHLO"]
        if (phase == "RCPT" and "MAIL" not in self._open) or (phase == "DATA" and "RCPT" not in self._open):
            return OUT_OF_TURN
        return USUAL.get(phase, "502 unknown")

    def _react(self, connection: socket.socket, phase: str) -> bool:
        written = self.script.get(phase, self._usual(phase))
        answers = [written] if isinstance(written, str) else list(written)
        number = self._seen.get(phase, 0)
        self._seen[phase] = number + 1
        answer = answers[min(number, len(answers) - 1)]
        self._is_going_on = answer.startswith("354")
        if phase in {"RSET", "DOT", "EHLO"}:
            self._open.clear()
        elif answer.startswith("25"):
            self._open.add(phase)
        return self._do(connection, answer)

    def _do(self, connection: socket.socket, answer: str) -> bool:
        if answer == CLOSE:
            return False
        if answer == RESET:  # lingering for no time makes close() a reset
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if answer == SILENT:
            self._done.wait(10)
            return False
        connection.sendall(answer.encode() + b"\r\n")
        return True


@contextmanager
def stub(**script: str | Sequence[str]) -> Iterator[Stub]:
    server = Stub(script)
    try:
        yield server
    finally:
        server.stop()


class ImpatientProvider(SmtpProvider):
    """Waits a fraction of a second, where the product waits long."""

    def _connect(self) -> smtplib.SMTP:
        connection = super()._connect()
        assert connection.sock is not None
        connection.sock.settimeout(0.3)
        return connection


def message(content: bytes = b"Subject: Hello\r\n\r\nYou\r\n", to: str = "maya@example.com") -> Message:
    return Message(send_id=new_id(), envelope_from="bounce@clinic.example.com", recipient=to, content=content)


def submit(server: Stub, *messages: Message, provider: SmtpProvider | None = None) -> list[Outcome]:
    """Delivers, then closes; by default one message."""
    provider = provider or SmtpProvider(SmtpSettings.from_url(server.url()))
    try:
        return [outcome for _, outcome in provider.deliver(messages or [message()])]
    finally:
        provider.close()


# --- a real server ---


def test_a_message_arrives_byte_for_byte_with_its_envelope(smtp_sink: SmtpSink) -> None:
    content = b"Subject: Hello\r\n\r\n.\r\n..two\r\n.dot first\r\n\r\nlast\r\n"
    provider = SmtpProvider(SmtpSettings.from_url(f"{smtp_sink.url}?tls=none"))

    ((_, outcome),) = provider.deliver([message(content)])
    provider.close()

    assert isinstance(outcome, Receipt)
    (received,) = smtp_sink.wait_for(1)
    assert received.raw == content
    assert (received.sender, received.recipients) == ("bounce@clinic.example.com", ("maya@example.com",))


def test_many_messages_arrive_in_order(smtp_sink: SmtpSink) -> None:
    provider = SmtpProvider(SmtpSettings.from_url(f"{smtp_sink.url}?tls=none"))
    people = [f"lead{number}@example.com" for number in range(25)]

    outcomes = [outcome for _, outcome in provider.deliver([message(to=person) for person in people])]
    provider.close()

    assert all(isinstance(outcome, Receipt) for outcome in outcomes)
    assert [received.recipients[0] for received in smtp_sink.wait_for(25)] == people


@pytest.mark.parametrize(
    "url", ["smtp://zo%C3%AB:hunter2@mail.example.com", "smtp://user:hunter2%C3%AB@mail.example.com",
            "smtp://user:half@mail.example.com:hunter2", "smtp://mail.example.com?helo=caf%C3%A9"],
)  # fmt: skip
def test_what_could_not_be_said_to_a_server_is_refused_before_any_mail_is_due(url: str) -> None:
    with pytest.raises(ConfigurationError, match="NRT-E020") as caught:
        SmtpSettings.from_url(url)
    assert "hunter2" not in str(caught.value)


# --- certain: nothing was taken ---

# Before the recipient is named, and where nobody was accepted, a refusal is about us: an operator can mend that.
OURS = {"MAIL", "DATA"}

REFUSALS = [
    (phase, f"{code} {enhanced} no", TransientDeliveryError if phase in OURS else kind)
    for phase in ("MAIL", "RCPT", "DATA", "DOT")
    for code, enhanced, kind in (
        (421, "4.3.2", TransientDeliveryError),
        (450, "4.2.1", TransientDeliveryError),
        (451, "4.7.1", TransientDeliveryError),
        (452, "4.2.2", TransientDeliveryError),
        (550, "5.7.1", PermanentDeliveryError),
        (552, "5.3.4", PermanentDeliveryError),
        (554, "5.7.1", PermanentDeliveryError),
    )
]


@pytest.mark.parametrize(("phase", "answer", "kind"), REFUSALS)
def test_a_refusal_is_certain_at_every_phase_and_the_next_message_goes_out(
    phase: str, answer: str, kind: type[Exception]
) -> None:
    with stub(**{phase: [answer, USUAL[phase]]}) as server:
        refused, accepted = submit(server, message(), message())

    assert type(refused) is kind
    assert str(refused) == f"smtp_{answer[:3]}"
    assert isinstance(accepted, Receipt)
    assert accepted.provider_message_id == "Q1"
    assert "no" not in str(refused), "the server's own words stay out"


@pytest.mark.parametrize("answer", ["450 4.2.1 greylisted", "451 4.7.1 try later"])
def test_greylisting_is_given_five_minutes(answer: str) -> None:
    with stub(RCPT=answer) as server:
        (refused,) = submit(server)

    assert isinstance(refused, TransientDeliveryError)
    assert refused.retry_after is not None
    assert refused.retry_after.total_seconds() == 300


@pytest.mark.parametrize(
    ("phase", "answer", "is_about_recipient"),
    [
        ("RCPT", "450 4.2.0 greylisted", True),
        ("RCPT", "450 greylisted", True),
        ("RCPT", "451 4.7.1 greylisted", True),
        ("RCPT", "452 4.2.2 over quota", True),
        ("DOT", "451 4.2.1 mailbox busy", True),
        ("RCPT", "451 4.3.0 look-up failed", False),
        ("RCPT", "452 4.3.1 no space left", False),
        ("RCPT", "421 4.3.2 going down", False),
        ("MAIL", "450 4.7.1 not you, not now", False),
        ("DATA", "451 4.7.1 not now", False),
    ],
)
def test_a_busy_mailbox_says_nothing_of_the_server(phase: str, answer: str, is_about_recipient: bool) -> None:
    with stub(**{phase: answer}) as server:
        (refused,) = submit(server)

    assert isinstance(refused, TransientDeliveryError)
    assert refused.is_about_recipient is is_about_recipient


@pytest.mark.parametrize(
    ("phase", "answer", "is_bad"),
    [
        ("RCPT", "550 5.1.1 user unknown", True),
        ("RCPT", "550 5.1.10 recipient not found", True),
        ("RCPT", "550 5.2.1 mailbox disabled", True),
        ("DOT", "550 5.1.1 user unknown", True),
        ("RCPT", "550-5.1.1 The account that you tried to reach\r\n550 5.1.1 does not exist", True),
        ("RCPT", "550 5.7.1 [205.1.1.9] is blocked", False),
        ("RCPT", "550 5.7.1 see https://example.com/5.1.1", False),
        ("RCPT", "550 5.1.7 <bounce@clinic.example.com>: sender address rejected", False),
        ("RCPT", "550 5.1.8 <bounce@clinic.example.com>: sender domain not found", False),
        ("RCPT", "552 5.2.2 mailbox full", False),
        ("RCPT", "554 5.7.1 relay access denied", False),
        ("RCPT", "550 no such user here, and no code for it", False),
    ],
)
def test_only_a_refusal_about_the_mailbox_itself_blames_the_address(phase: str, answer: str, is_bad: bool) -> None:
    with stub(**{phase: answer}) as server:
        (refused,) = submit(server)

    assert isinstance(refused, PermanentDeliveryError)
    assert refused.address_is_bad is is_bad


@pytest.mark.parametrize(
    ("phase", "answer"),
    [("MAIL", "550 5.1.0 sender refused"), ("MAIL", "550 5.1.1 sender unknown"), ("DATA", "554 5.1.1 nobody valid")],
)
def test_a_refusal_of_ourselves_blames_no_person_and_is_tried_again(phase: str, answer: str) -> None:
    with stub(**{phase: answer}) as server:
        (refused,) = submit(server)

    assert isinstance(refused, TransientDeliveryError)
    assert refused.is_our_fault


@pytest.mark.parametrize("ending", [CLOSE, RESET, "421 4.3.2 going down"])
@pytest.mark.parametrize("phase", ["BANNER", "EHLO", "MAIL", "RCPT", "DATA"])
def test_a_connection_lost_before_the_content_is_certain(phase: str, ending: str) -> None:
    also = {"HELO": ending} if phase == "EHLO" else {}
    with stub(**{phase: ending}, **also) as server:
        (lost,) = submit(server)

        assert isinstance(lost, TransientDeliveryError)
        assert server.bodies == []


@pytest.mark.parametrize("answer", ["554 no service here", "garbage"])
def test_a_server_that_does_not_want_us_is_a_temporary_trouble(answer: str) -> None:
    with stub(BANNER=answer) as server:
        (refused,) = submit(server)

    assert isinstance(refused, TransientDeliveryError)


def test_a_server_that_is_not_there_is_a_temporary_trouble() -> None:
    with socket.create_server(("127.0.0.1", 0)) as placeholder:
        port = placeholder.getsockname()[1]
    provider = SmtpProvider(SmtpSettings.from_url(f"smtp://127.0.0.1:{port}?tls=none"))

    outcomes = [outcome for _, outcome in provider.deliver([message(), message()])]

    assert [type(outcome) for outcome in outcomes] == [TransientDeliveryError] * 2


def test_login_refused_is_temporary_and_sends_nothing() -> None:
    with stub(EHLO="250-stub\r\n250 AUTH PLAIN LOGIN", AUTH="535 5.7.8 wrong password") as server:
        url = server.url().replace("smtp://", "smtp://worker:secret@")
        (refused,) = submit(server, provider=SmtpProvider(SmtpSettings.from_url(url)))

        assert isinstance(refused, TransientDeliveryError)
        assert refused.code == "smtp_login_refused"
        assert refused.is_our_fault
        assert not any(command.startswith("MAIL") for command in server.commands)


@pytest.mark.parametrize(
    "ehlo",
    ["250 stub", "250-stub\r\n250 STARTTLS"],
    ids=["not offered", "offered, then refused"],
)
def test_without_tls_nothing_is_sent_in_clear(ehlo: str) -> None:
    with stub(EHLO=ehlo, STAR="454 4.7.0 not now") as server:
        url = server.url("").replace("smtp://", "smtp://worker:secret@")
        (refused,) = submit(server, provider=SmtpProvider(SmtpSettings.from_url(url)))

        assert isinstance(refused, TransientDeliveryError)
        said = " ".join(server.commands)
        assert not any(word in said for word in ("MAIL", "RCPT", "AUTH", "maya"))
        assert server.bodies == []


def test_implicit_tls_to_a_server_in_clear_sends_nothing() -> None:
    with stub() as server:
        url = server.url("").replace("smtp://", "smtps://")
        (refused,) = submit(server, provider=SmtpProvider(SmtpSettings.from_url(url)))

        assert isinstance(refused, TransientDeliveryError)
        assert server.bodies == []
        assert not any("maya" in command for command in server.commands)


@pytest.mark.parametrize(
    ("host", "is_trusted", "arrives"),
    [("127.0.0.1", True, True), ("127.0.0.1", False, False), ("127.0.0.2", True, False)],
    ids=["trusted", "signed by nobody we know", "of another host"],
)
def test_mail_goes_only_to_a_server_whose_certificate_is_verified(
    tmp_path: Path, host: str, is_trusted: bool, arrives: bool
) -> None:
    certificate = certificate_for(tmp_path, "mail.example.com", address=host)
    with stub() as server:
        server.tls = certificate.server()
        settings = SmtpSettings.from_url(server.url("").replace("smtp://", "smtps://"))
        trust = certificate.client() if is_trusted else None
        (outcome,) = submit(server, provider=SmtpProvider(settings, trust))

        assert isinstance(outcome, Receipt) is arrives
        assert bool(server.bodies) is arrives
        if not arrives:
            assert str(outcome) == "smtp_tls_failed"
            assert server.commands == []


# --- doubtful: it may have been taken ---


@pytest.mark.parametrize("ending", [CLOSE, RESET])
def test_a_connection_lost_after_the_dot_is_doubtful(ending: str) -> None:
    with stub(DOT=ending) as server:
        (lost,) = submit(server)

        assert isinstance(lost, AmbiguousDeliveryError)
        assert len(server.bodies) == 1, "the server had all of it"


def test_a_connection_lost_in_the_midst_of_a_large_message_is_never_a_receipt() -> None:
    body = b"Subject: long\r\n\r\n" + b"x" * 70 + b"\r\n" * 2
    with stub(CONTENT=RESET) as server:
        (lost,) = submit(server, message(body * 40_000))

        assert isinstance(lost, (AmbiguousDeliveryError, TransientDeliveryError))
        assert server.bodies == []


def test_an_answer_that_does_not_come_in_time_is_doubtful() -> None:
    with stub(DOT=SILENT) as server:
        provider = ImpatientProvider(SmtpSettings.from_url(server.url()))
        (late,) = submit(server, provider=provider)

        assert isinstance(late, AmbiguousDeliveryError)


@pytest.mark.parametrize("phase", ["MAIL", "RCPT", "DATA"])
def test_silence_before_the_content_is_certain(phase: str) -> None:
    with stub(**{phase: SILENT}) as server:
        (late,) = submit(server, provider=ImpatientProvider(SmtpSettings.from_url(server.url())))

        assert isinstance(late, TransientDeliveryError)
        assert server.bodies == []


@pytest.mark.parametrize("answer", ["thanks!", "25O ok", "354 more", "220 hello", "199 wait"])
def test_an_answer_after_the_dot_that_means_nothing_is_doubtful(answer: str) -> None:
    with stub(DOT=answer) as server:
        (odd,) = submit(server)

        assert isinstance(odd, AmbiguousDeliveryError)


def test_after_a_doubtful_end_the_rest_of_the_group_is_offered_on_a_sound_connection_or_not_at_all() -> None:
    with stub(DOT=[CLOSE, USUAL["DOT"]]) as server:
        doubtful, *rest = submit(server, message(), message(), message())

        assert isinstance(doubtful, AmbiguousDeliveryError)
        assert all(isinstance(outcome, (Receipt, TransientDeliveryError)) for outcome in rest)
        assert len(server.bodies) == 1 + sum(isinstance(outcome, Receipt) for outcome in rest)


# --- one connection, kept ---


def test_one_connection_serves_many_messages_and_groups() -> None:
    with stub() as server:
        provider = SmtpProvider(SmtpSettings.from_url(server.url()))
        for _ in range(3):
            assert all(isinstance(outcome, Receipt) for _, outcome in provider.deliver([message(), message()]))
        provider.close()

        assert server.connections == 1
        assert len(server.bodies) == 6
        assert server.commands[-1].upper() == "QUIT"


@pytest.mark.parametrize("ending", [CLOSE, RESET, "421 4.4.2 idle for too long"])
def test_a_kept_connection_that_the_server_dropped_is_replaced_unnoticed(ending: str) -> None:
    with stub(RSET=ending) as server:
        provider = SmtpProvider(SmtpSettings.from_url(server.url()))
        outcomes = [outcome for _ in range(2) for _, outcome in provider.deliver([message()])]
        provider.close()

        assert all(isinstance(outcome, Receipt) for outcome in outcomes)
        assert server.connections == 2
        assert len(server.bodies) == 2


@pytest.mark.parametrize("ending", [CLOSE, RESET, "500 never heard of it"])
def test_a_server_that_hangs_up_at_goodbye_has_taken_the_message(ending: str) -> None:
    with stub(QUIT=ending) as server:
        (outcome,) = submit(server)

        assert isinstance(outcome, Receipt)


def test_a_provider_that_was_closed_can_be_used_again() -> None:
    with stub() as server:
        provider = SmtpProvider(SmtpSettings.from_url(server.url()))
        for _ in range(2):
            ((_, outcome),) = provider.deliver([message()])
            assert isinstance(outcome, Receipt)
            provider.close()

        assert server.connections == 2


def test_whoever_stops_asking_knows_that_the_rest_was_not_sent() -> None:
    with stub() as server:
        provider = SmtpProvider(SmtpSettings.from_url(server.url()))
        outcomes = provider.deliver([message(), message(), message()])
        next(outcomes)
        outcomes.close()  # type: ignore[attr-defined]
        provider.close()

        assert len(server.bodies) == 1


@pytest.mark.parametrize(
    "content", [b".\r\n", b"..\r\n", b".\r\n.\r\n", b"a\r\n.\r\nMAIL FROM:<x>\r\n", b"a.b\r\n.c\r\n"]
)
def test_a_dot_in_the_text_neither_ends_the_message_nor_gets_lost(content: bytes) -> None:
    with stub() as server:
        (outcome,) = submit(server, message(b"Subject: dots\r\n\r\n" + content))

        assert isinstance(outcome, Receipt)
        sent = server.bodies[0]
        assert len(server.bodies) == 1
        unstuffed = b"".join(line.removeprefix(b".") for line in sent.splitlines(keepends=True))
        assert unstuffed == b"Subject: dots\r\n\r\n" + content
        assert not any(command.startswith("MAIL FROM:<x>") for command in server.commands)


# --- in few round trips ---


def test_the_next_message_is_announced_along_with_the_content_of_the_one_before() -> None:
    if "PIPELINING" not in OFFERS["EHLO"]:
        return
    with stub() as server:
        server.looks_ahead = True
        provider = SmtpProvider(SmtpSettings.from_url(server.url()))
        outcomes = provider.deliver([message() for _ in range(5)])
        taken = [next(outcomes) for _ in range(4)]

        assert server.overlaps == 4
        assert all(isinstance(outcome, Receipt) for _, outcome in taken)
        outcomes.close()  # type: ignore[attr-defined]
        assert len(server.bodies) == 4, "the fifth was announced, and never sent"


def test_a_server_that_does_not_offer_it_gets_one_command_at_a_time() -> None:
    if "PIPELINING" in OFFERS["EHLO"]:
        return
    with stub(MAIL=["550 5.7.1 no", USUAL["MAIL"]]) as server:
        submit(server, message(), message())

        words = [command.partition(" ")[0].partition(":")[0].upper() for command in server.commands]
        assert words == ["EHLO", "MAIL", "RSET", "MAIL", "RCPT", "DATA", "QUIT"]


def test_a_server_that_takes_data_for_nobody_is_left() -> None:
    with stub(RCPT="550 5.1.1 unknown", DATA="354 go on") as server:
        refused, _ = submit(server, message(), message())

        assert isinstance(refused, PermanentDeliveryError)
        assert server.bodies == []


def test_a_refusal_in_the_midst_of_a_group_concerns_one_message_alone() -> None:
    recipients = [USUAL["RCPT"], "550 5.1.1 unknown", USUAL["RCPT"]]
    with stub(RCPT=recipients, DOT=["250 ok A", "554 5.6.0 no", "250 ok B"]) as server:
        outcomes = submit(server, *[message(to=f"lead{number}@example.com") for number in range(4)])

    assert [type(outcome) for outcome in outcomes] == [
        Receipt, PermanentDeliveryError, PermanentDeliveryError, Receipt,
    ]  # fmt: skip
    assert [outcome.address_is_bad for outcome in outcomes[1:3]] == [True, False]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "address", ["a b@example.com", "a@example.com>\r\nRCPT TO:<x@example.com", "é@example.com", "<>", ""]
)
def test_an_address_that_can_t_stand_in_a_command_is_never_sent(address: str) -> None:
    with stub() as server:
        refused, taken = submit(server, message(to=address), message())

        assert str(refused) == "smtp_address"
        assert isinstance(taken, Receipt)
        assert len(server.bodies) == 1


@pytest.mark.parametrize("phase", ["RCPT", "DOT"])
def test_a_refusal_of_us_that_may_be_one_server_s_own_keeps_its_status(phase: str) -> None:
    with stub(**{phase: "550 5.7.1 [192.0.2.1] is blocked"}) as server:
        (refused,) = submit(server)

    assert isinstance(refused, PermanentDeliveryError)
    assert (refused.code, refused.status, refused.address_is_bad) == ("smtp_550", "5.7.1", False)


@pytest.mark.parametrize("code", ["5.7.8", "5.7.11", "5.7.20", "5.7.26", "5.7.30", "5.7.509", "5.7.515"])
def test_mail_that_is_refused_as_unauthenticated_is_our_fault(code: str) -> None:
    with stub(DOT=f"550 {code} see https://example.com") as server:
        (refused,) = submit(server)

    assert isinstance(refused, TransientDeliveryError)
    assert refused.is_our_fault


def test_a_relay_that_does_not_sign_gets_signed_mail() -> None:
    signer = DkimSigner.read(new_key(), "nurture", "clinic.example.com")
    content = b"From: a@clinic.example.com\r\nSubject: Hello\r\n\r\n.dot\r\n"
    with stub() as server:
        submit(server, message(content), provider=SmtpProvider(SmtpSettings.from_url(server.url()), signer=signer))

        signed = server.bodies[0].replace(b"\r\n..", b"\r\n.")
    assert signed.endswith(content)
    assert dkim.verify(signed, dnsfunc=lambda *_, **__: dns_record(signer).encode())
