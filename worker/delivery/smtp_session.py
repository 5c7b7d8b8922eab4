"""One SMTP connection: its phases driven by ourselves, in as few round trips as the server allows.

Where it offers PIPELINING (RFC 2920), MAIL, RCPT and DATA go in one write, and those of the next message along with
the content of this one. The content of a message is sent only once its DATA is answered, and the answer to its
final dot is awaited before the next content leaves: at most one message is in doubt when the connection breaks.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
from datetime import timedelta

from worker.delivery.base import Message, Outcome, Receipt
from worker.domain.feedback import AUTHENTICATION
from worker.errors import AmbiguousDeliveryError, DeliveryError, PermanentDeliveryError, TransientDeliveryError
from worker.faults import fault

_BAD_MAILBOX = re.compile(rb"\s*(?:5\.1\.(?:[1236]|10)|5\.2\.1)\b")
"""The enhanced status codes (RFC 3463) that say the mailbox itself is wrong or closed; others blame the sender."""

_BUSY_MAILBOX = re.compile(rb"\s*4\.(?:1\.\d|2\.\d|7\.1)\b")
"""Of the temporary ones, those that speak of the mailbox or of greylisting; others speak of the server."""

_STATUS = re.compile(rb"\s*([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_UNAUTHENTICATED = AUTHENTICATION | {"5.7.11"}
"""Those that say our login or our domain's SPF and DKIM are wrong (RFC 4954, 7372): so for everyone."""

_ADDRESS = re.compile(r"[!-;=?-~]+@[!-;=?-~]+")
_RETRY_GREYLISTED = timedelta(minutes=5)


class SmtpSession:
    """An open connection, greeted and logged in."""

    def __init__(self, connection: smtplib.SMTP, name: str) -> None:
        self._connection, self._name = connection, name
        self._pipelines = bool(connection.has_extn("pipelining"))
        self._must_reset = False
        self._begun: list[tuple[str, bytes]] = []

    @property
    def is_begun(self) -> bool:
        """True while a message was announced whose content has not been sent."""
        return bool(self._begun)

    def begin(self, message: Message, *, is_kept: bool = False) -> None:
        """Announce a message, where the server can wait for us to read its answers. On a connection that was kept it
        is asked first whether it is still there; with RSET, the one such question that may share a write with what
        follows (RFC 2920 section 3.1)."""
        self._must_reset = self._must_reset or is_kept
        self._begun = self._commands(message)
        if self._pipelines:
            self._write(b"".join(line for _, line in self._begun))

    def begun(self) -> DeliveryError | None:
        """Why the announced message may not follow, if so; until here everything is certain."""
        commands, self._begun = self._begun, []
        refusal: DeliveryError | None = None
        for verb, line in commands:
            if refusal is not None and not self._pipelines:
                break
            if not self._pipelines:
                self._write(line)
            try:
                code, answer = self._read()
            except (smtplib.SMTPException, OSError):
                if refusal is None:
                    raise
                self.close()  # what came before the end of the connection was certain
                break
            if verb == "RSET" and code != 250:
                raise smtplib.SMTPServerDisconnected("the server has left us")
            if refusal is None and verb != "RSET" and code not in {250, 251, 354}:
                refusal = refused(code, answer, about_recipient=verb == "RCPT")
                self._must_reset = True
            elif refusal is not None and code == 354:
                self.close()  # it would take an empty message for nobody
                break
        return refusal

    def submit(self, content: bytes, following: Message | None) -> Outcome:
        """Send the content, and announce the next message in the same write; what became of this one."""
        self._begun = [] if following is None else self._commands(following)
        also = b"".join(line for _, line in self._begun) if self._pipelines else b""
        try:
            self._write(_dotted(content) + b".\r\n" + also)
            fault("bytes_sent")
            code, answer = self._read()
            fault("accepted")
        except (smtplib.SMTPException, OSError):
            self.close()
            return AmbiguousDeliveryError("smtp_no_answer_after_data")
        if code == 250:
            return Receipt(provider=self._name, provider_message_id=_queue_id(answer))
        if not 400 <= code < 600:
            self.close()
            return AmbiguousDeliveryError("smtp_odd_answer_after_data")
        return refused(code, answer, about_recipient=True)

    @property
    def is_open(self) -> bool:
        """False once the connection was given up."""
        return self._connection.sock is not None

    def quit(self) -> None:
        """Say goodbye; the server's opinion of it no longer matters."""
        with contextlib.suppress(smtplib.SMTPException, OSError):
            self._connection.quit()
        self.close()

    def close(self) -> None:
        """Give the connection up."""
        self._begun = []
        self._connection.close()

    def _commands(self, message: Message) -> list[tuple[str, bytes]]:
        lines = [
            ("MAIL", f"MAIL FROM:<{message.envelope_from}>\r\n".encode("ascii")),
            ("RCPT", f"RCPT TO:<{message.recipient}>\r\n".encode("ascii")),
            ("DATA", b"DATA\r\n"),
        ]
        must_reset, self._must_reset = self._must_reset, False
        return [("RSET", b"RSET\r\n"), *lines] if must_reset else lines

    def _write(self, data: bytes) -> None:
        self._connection.send(data)

    def _read(self) -> tuple[int, bytes]:
        if self._connection.sock is None:
            raise smtplib.SMTPServerDisconnected("the connection is closed")
        return self._connection.getreply()


def is_sendable(message: Message) -> bool:
    """True when both addresses may stand in a command."""
    return all(_ADDRESS.fullmatch(address) for address in (message.envelope_from, message.recipient))


def refused(code: int, answer: bytes, *, about_recipient: bool) -> DeliveryError:
    """An answer of 4yz or 5yz is certain. The server's words stay out: they quote the address."""
    found = _STATUS.match(answer)
    status = found[1].decode("ascii") if found else ""
    if 500 <= code < 600 and (not about_recipient or status in _UNAUTHENTICATED):
        # It refuses us, not this person: an operator can mend that.
        return TransientDeliveryError(f"smtp_{code}", is_our_fault=True)
    if 500 <= code < 600:
        is_bad = _BAD_MAILBOX.match(answer) is not None
        return PermanentDeliveryError(f"smtp_{code}", address_is_bad=is_bad, status=status)
    return TransientDeliveryError(
        f"smtp_{code}",
        retry_after=_RETRY_GREYLISTED if code in {450, 451} else None,
        is_about_recipient=about_recipient and (code == 450 or _BUSY_MAILBOX.match(answer) is not None),
    )


def _dotted(content: bytes) -> bytes:
    """With a second dot before each that begins a line (RFC 5321 section 4.5.2), and an end to the last line."""
    dotted = content.replace(b"\r\n.", b"\r\n..")
    dotted = b"." + dotted if dotted.startswith(b".") else dotted
    return dotted if dotted.endswith(b"\r\n") else dotted + b"\r\n"


def _queue_id(answer: bytes) -> str | None:
    words = answer.decode("ascii", "replace").split()
    return words[-1][:80] if words else None
