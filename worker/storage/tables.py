"""Every table. Times are aware UTC; `…_at` on the product clock unless its comment says real time.

Identity and free text stand sealed in `…_sealed` columns, beside keyed hashes for exact look-up.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from worker.domain.sends import SendKind, SendState
from worker.storage.columns import Hash as _Hash
from worker.storage.columns import Id as _Id
from worker.storage.columns import Json as _Json
from worker.storage.columns import Serial as _Serial
from worker.storage.columns import UtcDateTime
from worker.storage.columns import Word as _Word
from worker.storage.columns import metadata as metadata
from worker.storage.draft_tables import draft_versions as draft_versions
from worker.storage.outgoing_tables import endpoints as endpoints
from worker.storage.outgoing_tables import outgoing_events as outgoing_events
from worker.storage.report_tables import mail_tallies as mail_tallies
from worker.storage.report_tables import tallies as tallies
from worker.storage.report_tables import tally_days as tally_days
from worker.storage.sending_tables import breakers as breakers
from worker.storage.sending_tables import usage as usage
from worker.storage.staff_tables import staff as staff
from worker.storage.staff_tables import staff_links as staff_links
from worker.storage.staff_tables import staff_sessions as staff_sessions

_ORDER = ("due_at", "first_due_at")
_PLANNED = text(f"state = '{SendState.PLANNED}'")
_ANSWERS = text(f"state = '{SendState.PLANNED}' and kind = '{SendKind.ACKNOWLEDGEMENT}'")
_WAITS = text(f"state = '{SendState.PLANNED}' and mailbox is not null")
_LEASED = text(f"state in ('{SendState.CLAIMED}', '{SendState.HANDED_OVER}')")
_ALERT_WAITS = text("state in ('pending', 'paging')")
ATTENTION = text(f"state in ('{SendState.UNKNOWN}', '{SendState.HELD}')")
ENDED = text(f"state in ('{SendState.FAILED}', '{SendState.SKIPPED}', '{SendState.CANCELLED}')")
BY_PEOPLE = text("via is not null")
"""These are repeated in queries, word for word, so that SQLite sees that the index serves."""
COUNTED = text("kind in ('answered', 'event', 'unsubscribed')")
"""What reports count of a timeline, in the words of its index."""

_WAITS_FOR_ANSWER = text("waiting_since is not null")
_HELD = text("hold_reason is not null")
IN_SEQUENCE = text("status = 'active'")
BEING_ERASED = text("status = 'erasing'")

installation = Table(
    "installation",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="single_row"), primary_key=True, autoincrement=False),
    Column("clock_speed", Float, nullable=False),
    Column("clock_real_anchor", UtcDateTime, nullable=False),
    Column("clock_product_anchor", UtcDateTime, nullable=False),
    Column("lookup_key_sealed", Text, nullable=False),
    Column("active_snapshot", String(32), ForeignKey("snapshots.hash")),
    Column("instance", _Id, nullable=False),
    Column("ticks", BigInteger, nullable=False, server_default="0"),  # grows with every sweep: see domain.epoch
    Column("retention_ran_at", UtcDateTime),
    Column("checked_until", _Id),  # the enrollment up to which the repair loop has looked; none: it starts anew
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("hash", String(32), primary_key=True),
    Column("packed", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("first_used_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
)

submissions = Table(
    "submissions",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("reference", String(16), nullable=False, index=True),
    Column("form", Text, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),  # real time, by the intake host
    Column("captured_at", UtcDateTime, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("body_hash", _Hash, nullable=False),
    Column("status", _Word, nullable=False),
    Column("suspicions", _Json, nullable=False),
    Column("flags", _Json, nullable=False),
    Column("crisis", _Word),
    Column("lead_id", _Id, ForeignKey("leads.id"), index=True),
    Index("ix_submissions_quarantined", "captured_at", postgresql_where=text("status = 'quarantined'"),
          sqlite_where=text("status = 'quarantined'")),
)  # fmt: skip

leads = Table(
    "leads",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("reference", String(16), nullable=False, index=True),
    Column("email_hash", _Hash, unique=True),
    Column("phone_hash", _Hash, index=True),
    Column("email_sealed", Text),
    Column("phone_sealed", Text),
    Column("first_name_sealed", Text),
    Column("last_name_sealed", Text),
    Column("location", _Word, nullable=False),
    Column("location_reason", _Word, nullable=False),
    Column("condition", _Word, nullable=False),
    Column("conditions", _Json, nullable=False),
    Column("treatment", _Word),
    Column("sequence", _Word),
    Column("sequence_reason", Text, nullable=False),
    Column("status", _Word, nullable=False),
    Column("hold_reason", _Word),
    Column("is_test", Boolean, nullable=False),
    Column("quiet_until", UtcDateTime),  # no nurture before this, at the person's own wish
    Column("created_at", UtcDateTime, nullable=False, index=True),
    Column("waiting_since", UtcDateTime),  # the front desk owes an answer since then
    Column("escalated_at", UtcDateTime),  # staff were told again of that wait
    Column("first_answered_at", UtcDateTime),
    Column("hold_until", UtcDateTime),  # when a hold of staff ends by itself
    Index("ix_leads_waiting", "waiting_since", postgresql_where=_WAITS_FOR_ANSWER,
          sqlite_where=_WAITS_FOR_ANSWER),
    Index("ix_leads_held", "created_at", postgresql_where=_HELD, sqlite_where=_HELD),
    Index("ix_leads_erasing", "id", postgresql_where=BEING_ERASED, sqlite_where=BEING_ERASED),
    Index("uq_leads_phone_only", "phone_hash", unique=True, postgresql_where=text("email_hash is null"),
          sqlite_where=text("email_hash is null")),
)  # fmt: skip

consents = Table(
    "consents",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("lead_id", _Id, ForeignKey("leads.id"), nullable=False, index=True),
    Column("submission_id", _Id, ForeignKey("submissions.id"), nullable=False, unique=True),
    Column("granted", Boolean, nullable=False),
    Column("wording_version", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("confirmed_at", UtcDateTime),
)

enrollments = Table(
    "enrollments",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("lead_id", _Id, ForeignKey("leads.id"), nullable=False),
    Column("sequence", _Word, nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("location", _Word, nullable=False),
    Column("snapshot", String(32), ForeignKey("snapshots.hash"), nullable=False),
    Column("plan", _Json, nullable=False),
    Column("status", _Word, nullable=False),
    Column("exit_reason", _Word),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    UniqueConstraint("lead_id", "sequence", "cycle"),
    Index("ix_enrollments_active", "id", postgresql_where=IN_SEQUENCE, sqlite_where=IN_SEQUENCE),
    Index("uq_enrollments_one_active", "lead_id", unique=True, postgresql_where=IN_SEQUENCE,
          sqlite_where=IN_SEQUENCE),
)  # fmt: skip

sends = Table(
    "sends",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("lead_id", _Id, ForeignKey("leads.id"), nullable=False, index=True),
    Column("enrollment_id", _Id, ForeignKey("enrollments.id")),
    Column("kind", _Word, nullable=False),
    Column("step", _Word),
    Column("email", _Word, nullable=False),
    Column("location", _Word, nullable=False),
    Column("sequence", _Word),
    Column("state", _Word, nullable=False),
    Column("reason", _Word),
    Column("due_at", UtcDateTime, nullable=False),
    Column("first_due_at", UtcDateTime, nullable=False),
    Column("held_until", UtcDateTime),
    Column("mailbox", _Word),  # while the send waits for room in the rate of such mailboxes; else empty
    Column("not_before", UtcDateTime),  # real time: back-off after a temporary refusal
    Column("claim", _Id),
    Column("lease_until", UtcDateTime),  # real time
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("handed_over_at", UtcDateTime),
    Column("handed_to", _Word),  # the provider's account
    Column("key_until", UtcDateTime),  # real time: until then the same key may be used again there
    Column("sent_at", UtcDateTime),
    Column("snapshot", String(32), ForeignKey("snapshots.hash")),
    Column("provider", _Word),
    Column("provider_message_id", Text),
    Column("last_code", _Word),
    UniqueConstraint("enrollment_id", "step"),
    # The claim walks planned rows only, however many were ever sent (I10), and in its whole order: nothing is sorted.
    Index("ix_sends_due", *_ORDER, postgresql_where=_PLANNED, sqlite_where=_PLANNED),
    Index("ix_sends_due_acknowledgements", *_ORDER, postgresql_where=_ANSWERS, sqlite_where=_ANSWERS),
    Index("ix_sends_due_mailbox", "mailbox", *_ORDER, postgresql_where=_WAITS, sqlite_where=_WAITS),
    Index("ix_sends_leased", "lease_until", postgresql_where=_LEASED, sqlite_where=_LEASED),
    Index("ix_sends_ended", "state", postgresql_where=ENDED, sqlite_where=ENDED),
    Index("ix_sends_attention", "state", "held_until", postgresql_where=ATTENTION, sqlite_where=ATTENTION),
    Index(
        "ix_sends_at_provider",
        "provider_message_id",
        postgresql_where=text("provider_message_id is not null"),
        sqlite_where=text("provider_message_id is not null"),
    ),
    Index(
        "ix_sends_sent",
        "sent_at",
        postgresql_where=text("sent_at is not null"),
        sqlite_where=text("sent_at is not null"),
    ),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("address_hash", _Hash, primary_key=True),
    Column("scope", _Word, primary_key=True),
    Column("reason", _Word, nullable=False),
    Column("origin", _Word, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

erased = Table(
    "erased",
    metadata,
    Column("submission_hash", _Hash, primary_key=True),
    Column("body_hash", _Hash, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

timeline = Table(
    "timeline",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("lead_id", _Id, ForeignKey("leads.id"), index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", _Word, nullable=False),
    Column("detail", _Json, nullable=False),
    Column("via", _Word),  # of what people did: the sign-in, or command_line
    # That is searched, among far more that the product did by itself.
    Index("ix_timeline_by_people", "id", postgresql_where=BY_PEOPLE, sqlite_where=BY_PEOPLE),
    Index("ix_timeline_counted", "lead_id", postgresql_where=COUNTED, sqlite_where=COUNTED),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("kind", _Word, nullable=False),
    Column("lead_id", _Id, ForeignKey("leads.id"), index=True),
    Column("state", _Word, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("not_before", UtcDateTime, nullable=False),  # real time
    Column("last_code", _Word),
    Column("pages", Integer, nullable=False, server_default="0"),
    Column("acknowledged_at", UtcDateTime),
    Column("acknowledged_by", Text),
    Index("ix_alerts_waiting", "not_before", postgresql_where=_ALERT_WAITS, sqlite_where=_ALERT_WAITS),
)  # fmt: skip

parked = Table(
    "parked",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("kind", _Word, nullable=False),
    Column("submission_id", _Id, index=True),
    Column("code", _Word, nullable=False),
    Column("sealed", Text),
    Column("count", Integer, nullable=False, server_default="1"),
    Column("first_at", UtcDateTime, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    Column("state", _Word, nullable=False),
)

pauses = Table(
    "pauses",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("scope", _Word, nullable=False),
    Column("value", _Word),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime),
    Column("lifted_at", UtcDateTime),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("name", Text, primary_key=True),
    Column("kind", _Word, nullable=False),
    Column("queues", _Json, nullable=False),
    Column("work", _Json),  # per queue, how much is in flight and how much was taken up lately
    Column("at", UtcDateTime, nullable=False),  # real time
)

delivery_events = Table(
    "delivery_events",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("source", _Word, nullable=False),
    Column("event_hash", _Hash, nullable=False),  # an event's id may hold an address, so only its hash is kept
    Column("send_id", _Id, ForeignKey("sends.id"), index=True),  # empty: of a send that we do not know
    Column("lead_id", _Id, ForeignKey("leads.id"), index=True),
    Column("kind", _Word, nullable=False),
    Column("code", _Word, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("source", "event_hash"),
    Index("ix_delivery_events_kind", "kind", "at"),
)

feedback_counts = Table(
    "feedback_counts",
    metadata,
    Column("source", _Word, primary_key=True),
    Column("kind", _Word, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),  # real time
)

mailbox_positions = Table(
    "mailbox_positions",
    metadata,
    Column("mailbox", _Hash, primary_key=True),
    Column("uid_validity", BigInteger, nullable=False),
    Column("last_uid", BigInteger, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("scope", _Word, nullable=False),
    Column("form", _Word),  # the form whose webhook it takes
    Column("secret_sealed", Text),  # with which the vendor signs
    Column("token_hash", _Hash, nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("last_used_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
)

lead_events = Table(
    "lead_events",
    metadata,
    Column("token_id", _Id, ForeignKey("tokens.id"), primary_key=True),
    Column("event_hash", _Hash, primary_key=True),
    Column("lead_id", _Id, ForeignKey("leads.id"), nullable=False, index=True),
    Column("event", _Word, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

samples = Table(
    "samples",
    metadata,
    Column("minute", BigInteger, primary_key=True, autoincrement=False),  # real time, in minutes since 1970
    Column("figures", _Json, nullable=False),
)
