"""Every failure that the product raises on purpose, in one tree.

    WorkerError
    ├─ ConfigurationError(check_id, hint)       refuse to start; never swallowed by delivery handling
    ├─ InvalidSubmission(errors)                4xx to the form, with one entry per bad field
    ├─ UnusableContact(code)                    an address or number that can't be written to or called
    ├─ Unmappable(code)                         a foreign form's post that no table can read: parked, replayable
    ├─ NotFound(what)                           the thing asked for is not there
    │  └─ Ambiguous(what)                       several are meant: name one by its id
    ├─ FeedbackRefused(code)                    a webhook that its provider did not sign, or not lately: 401, counted
    ├─ Refused(why)                             it is there, but this can't be done to it as things stand
    ├─ NamesPerson                              a reason that is kept names the person it must not lead to
    ├─ BelongsToAnother(lead_id)                this address or number is another lead's
    ├─ SealError
    │  ├─ UnknownSealKey(key_id)                sealed with a key that the ring does not hold: park, never drop
    │  └─ BrokenSeal                            not sealed by us, tampered with, or moved to another place
    ├─ TemplateError(source, problem, line)     holds the step and tells staff; nobody gets half an email
    │  └─ ContentInvalid(problems)              the content as a whole can't be published
    └─ DeliveryError(code)
       ├─ TransientDeliveryError(retry_after, is_our_fault, is_about_recipient)
       │                                        the provider certainly did not take it; try again later
       ├─ PermanentDeliveryError                the provider certainly refused it; trying again won't help
       └─ AmbiguousDeliveryError                it may have been taken: mark unknown, reconcile, never repeat blindly

Skips and holds are return values (`worker.domain.eligibility`), not errors. Retry is decided by class,
never by message text, and no message carries contact or health data: ids and codes only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta


class WorkerError(Exception):
    """Base of the tree above."""


class ConfigurationError(WorkerError):
    """The product can't run like this. `check_id` is stable and documented; `hint` says what to do."""

    def __init__(self, check_id: str, problem: str, hint: str) -> None:
        super().__init__(f"{check_id}: {problem}\n  hint: {hint}")
        self.check_id, self.problem, self.hint = check_id, problem, hint


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One bad field of a submission: JSON pointer, stable code, and a sentence for the person who typed it."""

    pointer: str
    code: str
    detail: str


class InvalidSubmission(WorkerError):
    """A form that can't be accepted as it stands; the person can mend it."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(", ".join(f"{error.pointer} {error.code}" for error in errors))
        self.errors = tuple(errors)


class UnusableContact(WorkerError):
    """An address or number of no use. `code` is stable; `detail` says what to write instead, and quotes nothing."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


class Unmappable(WorkerError):
    """A foreign form's post that can't be turned into a submission as things stand. `code` is ours."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NotFound(WorkerError):
    """What was asked for is not there."""


class Ambiguous(NotFound):
    """Several are meant."""


class FeedbackRefused(WorkerError):
    """A webhook that can't be believed. `code` is ours."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Refused(WorkerError):
    """What was asked for would break a rule; says which, and what to do instead."""


class NamesPerson(WorkerError):
    """A text that outlives a person, or is shown without them, says who they are."""


class WithProvider(Refused):
    """An email is with its provider at this moment: what was asked for goes on once that has come back."""


class BelongsToAnother(WorkerError):
    """Two people can't be one: whoever corrects an address decides which lead is meant."""

    def __init__(self, lead_id: str) -> None:
        super().__init__(
            f"lead {lead_id} has this address or number already; look at both, and erase the one that is wrong"
        )
        self.lead_id = lead_id


class SealError(WorkerError):
    """A sealed value can't be opened."""


class UnknownSealKey(SealError):
    """The key ring holds no key of this id."""

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"sealed with key {key_id!r}, which the key ring does not hold; "
            "put that key back into NURTURE_SECRET_KEYS, restart, and replay what was parked meanwhile"
        )
        self.key_id = key_id


class BrokenSeal(SealError):
    """The value was not sealed by us for this place, or it was changed."""


class TemplateError(WorkerError):
    """A content file is wrong. Names the file and, where known, the line."""

    def __init__(self, source: str, problem: str, line: int | None = None) -> None:
        where = source if line is None else f"{source}:{line}"
        super().__init__(f"{where}: {problem}")
        self.source, self.problem, self.line = source, problem, line


class ContentInvalid(TemplateError):
    """The content can't be used; lists every problem, so that all can be mended in one go."""

    def __init__(self, problems: Sequence[TemplateError]) -> None:
        super().__init__("templates/email", "; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class DeliveryError(WorkerError):
    """A hand-over that did not end in a receipt. `code` is the provider's or ours, never its free text."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class TransientDeliveryError(DeliveryError):
    """The provider certainly did not take the message; it may be offered again.

    `is_our_fault` when it refuses us, whoever the message is for (credentials, an unverified domain, a used-up
    quota): every other message will fare the same until an operator mends it. `is_about_recipient` when it says
    something of this one mailbox (busy, full, greylisted) and nothing of the provider.
    """

    def __init__(
        self,
        code: str,
        retry_after: timedelta | None = None,
        *,
        is_our_fault: bool = False,
        is_about_recipient: bool = False,
    ) -> None:
        super().__init__(code)
        self.retry_after, self.is_our_fault = retry_after, is_our_fault
        self.is_about_recipient = is_about_recipient


class PermanentDeliveryError(DeliveryError):
    """The provider certainly refused the message. `address_is_bad` when the refusal is about the mailbox; `status` is
    the enhanced status code (RFC 3463) of the answer, where it has one."""

    def __init__(self, code: str, *, address_is_bad: bool = False, status: str = "") -> None:
        super().__init__(code)
        self.address_is_bad, self.status = address_is_bad, status


class AmbiguousDeliveryError(DeliveryError):
    """The provider may have taken the message."""
