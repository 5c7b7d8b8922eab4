"""What comes back: delivery events, what other programs tell, their tokens, and a person's wish for quiet."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UtcDateTime = sa.DateTime(timezone=True)
Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Id = sa.Uuid(as_uuid=False)
Word = sa.String(length=40)
Hash = sa.String(length=64)


def upgrade() -> None:
    op.add_column("leads", sa.Column("quiet_until", UtcDateTime, nullable=True))
    for name, column in (("ix_sends_at_provider", "provider_message_id"), ("ix_sends_sent", "sent_at")):
        known = sa.text(f"{column} is not null")
        op.create_index(name, "sends", [column], unique=False, postgresql_where=known, sqlite_where=known)
    op.create_table(
        "delivery_events",
        sa.Column("id", Serial, nullable=False),
        sa.Column("source", Word, nullable=False),
        sa.Column("event_hash", Hash, nullable=False),
        sa.Column("send_id", Id, nullable=True),
        sa.Column("lead_id", Id, nullable=True),
        sa.Column("kind", Word, nullable=False),
        sa.Column("code", Word, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["send_id"], ["sends.id"], name=op.f("fk_delivery_events_send_id")),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_delivery_events_lead_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_events")),
        sa.UniqueConstraint("source", "event_hash", name=op.f("uq_delivery_events_source_event_hash")),
    )
    op.create_index(op.f("ix_delivery_events_send_id"), "delivery_events", ["send_id"], unique=False)
    op.create_index(op.f("ix_delivery_events_lead_id"), "delivery_events", ["lead_id"], unique=False)
    op.create_index("ix_delivery_events_kind", "delivery_events", ["kind", "at"], unique=False)
    op.create_table(
        "feedback_counts",
        sa.Column("source", Word, nullable=False),
        sa.Column("kind", Word, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("source", "kind", name=op.f("pk_feedback_counts")),
    )
    op.create_table(
        "mailbox_positions",
        sa.Column("mailbox", Hash, nullable=False),
        sa.Column("uid_validity", sa.BigInteger(), nullable=False),
        sa.Column("last_uid", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox", name=op.f("pk_mailbox_positions")),
    )
    op.create_table(
        "tokens",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scope", Word, nullable=False),
        sa.Column("token_hash", Hash, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("last_used_at", UtcDateTime, nullable=True),
        sa.Column("revoked_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_tokens_token_hash")),
    )
    op.create_table(
        "lead_events",
        sa.Column("token_id", Id, nullable=False),
        sa.Column("event_hash", Hash, nullable=False),
        sa.Column("lead_id", Id, nullable=False),
        sa.Column("event", Word, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["token_id"], ["tokens.id"], name=op.f("fk_lead_events_token_id")),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_lead_events_lead_id")),
        sa.PrimaryKeyConstraint("token_id", "event_hash", name=op.f("pk_lead_events")),
    )
    op.create_index(op.f("ix_lead_events_lead_id"), "lead_events", ["lead_id"], unique=False)


def downgrade() -> None:
    op.drop_table("lead_events")
    op.drop_table("tokens")
    op.drop_table("mailbox_positions")
    op.drop_table("feedback_counts")
    op.drop_table("delivery_events")
    op.drop_index("ix_sends_sent", table_name="sends")
    op.drop_index("ix_sends_at_provider", table_name="sends")
    op.drop_column("leads", "quiet_until")
