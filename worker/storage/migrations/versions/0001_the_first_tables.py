"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# As the tables were when this was written: a migration never follows later changes of the code.
UtcDateTime = sa.DateTime(timezone=True)
Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("queues", Json, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "leads",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("email_hash", sa.String(length=64), nullable=True),
        sa.Column("phone_hash", sa.String(length=64), nullable=True),
        sa.Column("email_sealed", sa.Text(), nullable=True),
        sa.Column("phone_sealed", sa.Text(), nullable=True),
        sa.Column("first_name_sealed", sa.Text(), nullable=True),
        sa.Column("last_name_sealed", sa.Text(), nullable=True),
        sa.Column("location", sa.String(length=40), nullable=False),
        sa.Column("location_reason", sa.String(length=40), nullable=False),
        sa.Column("condition", sa.String(length=40), nullable=False),
        sa.Column("conditions", Json, nullable=False),
        sa.Column("treatment", sa.String(length=40), nullable=True),
        sa.Column("sequence", sa.String(length=40), nullable=True),
        sa.Column("sequence_reason", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("hold_reason", sa.String(length=40), nullable=True),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads")),
        sa.UniqueConstraint("email_hash", name=op.f("uq_leads_email_hash")),
    )
    op.create_index(op.f("ix_leads_created_at"), "leads", ["created_at"], unique=False)
    op.create_index(op.f("ix_leads_phone_hash"), "leads", ["phone_hash"], unique=False)
    op.create_index(op.f("ix_leads_reference"), "leads", ["reference"], unique=False)
    op.create_index(
        "uq_leads_phone_only",
        "leads",
        ["phone_hash"],
        unique=True,
        postgresql_where=sa.text("email_hash is null"),
        sqlite_where=sa.text("email_hash is null"),
    )

    op.create_table(
        "parked",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("submission_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("count", sa.Integer(), server_default="1", nullable=False),
        sa.Column("first_at", UtcDateTime, nullable=False),
        sa.Column("last_at", UtcDateTime, nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parked")),
    )
    op.create_index(op.f("ix_parked_submission_id"), "parked", ["submission_id"], unique=False)

    op.create_table(
        "pauses",
        sa.Column("id", Serial, nullable=False),
        sa.Column("scope", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=40), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("until", UtcDateTime, nullable=True),
        sa.Column("lifted_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pauses")),
    )
    op.create_table(
        "snapshots",
        sa.Column("hash", sa.String(length=32), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("first_used_at", UtcDateTime, nullable=True),
        sa.Column("last_used_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_snapshots")),
    )
    op.create_table(
        "suppressions",
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("origin", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("address_hash", "scope", name=op.f("pk_suppressions")),
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("lead_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("sent_at", UtcDateTime, nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", UtcDateTime, nullable=False),
        sa.Column("last_code", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_alerts_lead_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index(op.f("ix_alerts_lead_id"), "alerts", ["lead_id"], unique=False)
    op.create_index(
        "ix_alerts_pending",
        "alerts",
        ["not_before"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
        sqlite_where=sa.text("state = 'pending'"),
    )

    op.create_table(
        "enrollments",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("lead_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("sequence", sa.String(length=40), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("location", sa.String(length=40), nullable=False),
        sa.Column("snapshot", sa.String(length=32), nullable=False),
        sa.Column("plan", Json, nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("exit_reason", sa.String(length=40), nullable=True),
        sa.Column("started_at", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime, nullable=True),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_enrollments_lead_id")),
        sa.ForeignKeyConstraint(["snapshot"], ["snapshots.hash"], name=op.f("fk_enrollments_snapshot")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrollments")),
        sa.UniqueConstraint("lead_id", "sequence", "cycle", name=op.f("uq_enrollments_lead_id_sequence_cycle")),
    )
    op.create_index(
        "uq_enrollments_one_active",
        "enrollments",
        ["lead_id"],
        unique=True,
        postgresql_where=sa.text("status = 'active'"),
        sqlite_where=sa.text("status = 'active'"),
    )

    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("clock_speed", sa.Float(), nullable=False),
        sa.Column("clock_real_anchor", UtcDateTime, nullable=False),
        sa.Column("clock_product_anchor", UtcDateTime, nullable=False),
        sa.Column("lookup_key_sealed", sa.Text(), nullable=False),
        sa.Column("active_snapshot", sa.String(length=32), nullable=True),
        sa.Column("instance", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("ticks", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["active_snapshot"], ["snapshots.hash"], name=op.f("fk_installation_active_snapshot")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.create_table(
        "submissions",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("received_at", UtcDateTime, nullable=False),
        sa.Column("captured_at", UtcDateTime, nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("suspicions", Json, nullable=False),
        sa.Column("flags", Json, nullable=False),
        sa.Column("crisis", sa.String(length=40), nullable=True),
        sa.Column("lead_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_submissions_lead_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submissions")),
    )
    op.create_index(op.f("ix_submissions_lead_id"), "submissions", ["lead_id"], unique=False)
    op.create_index(
        "ix_submissions_quarantined",
        "submissions",
        ["captured_at"],
        unique=False,
        postgresql_where=sa.text("status = 'quarantined'"),
        sqlite_where=sa.text("status = 'quarantined'"),
    )
    op.create_index(op.f("ix_submissions_reference"), "submissions", ["reference"], unique=False)

    op.create_table(
        "timeline",
        sa.Column("id", Serial, nullable=False),
        sa.Column("lead_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("detail", Json, nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_timeline_lead_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timeline")),
    )
    op.create_index(op.f("ix_timeline_lead_id"), "timeline", ["lead_id"], unique=False)

    op.create_table(
        "consents",
        sa.Column("id", Serial, nullable=False),
        sa.Column("lead_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("submission_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("wording_version", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("confirmed_at", UtcDateTime, nullable=True),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_consents_lead_id")),
        sa.ForeignKeyConstraint(["submission_id"], ["submissions.id"], name=op.f("fk_consents_submission_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
        sa.UniqueConstraint("submission_id", name=op.f("uq_consents_submission_id")),
    )
    op.create_index(op.f("ix_consents_lead_id"), "consents", ["lead_id"], unique=False)

    op.create_table(
        "sends",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("lead_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("enrollment_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=True),
        sa.Column("email", sa.String(length=40), nullable=False),
        sa.Column("location", sa.String(length=40), nullable=False),
        sa.Column("sequence", sa.String(length=40), nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("due_at", UtcDateTime, nullable=False),
        sa.Column("first_due_at", UtcDateTime, nullable=False),
        sa.Column("held_until", UtcDateTime, nullable=True),
        sa.Column("not_before", UtcDateTime, nullable=True),
        sa.Column("claim", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("lease_until", UtcDateTime, nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("handed_over_at", UtcDateTime, nullable=True),
        sa.Column("sent_at", UtcDateTime, nullable=True),
        sa.Column("snapshot", sa.String(length=32), nullable=True),
        sa.Column("provider", sa.String(length=40), nullable=True),
        sa.Column("provider_message_id", sa.Text(), nullable=True),
        sa.Column("last_code", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["enrollment_id"], ["enrollments.id"], name=op.f("fk_sends_enrollment_id")),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_sends_lead_id")),
        sa.ForeignKeyConstraint(["snapshot"], ["snapshots.hash"], name=op.f("fk_sends_snapshot")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sends")),
        sa.UniqueConstraint("enrollment_id", "step", name=op.f("uq_sends_enrollment_id_step")),
    )
    op.create_index(
        "ix_sends_attention",
        "sends",
        ["state", "held_until"],
        unique=False,
        postgresql_where=sa.text("state in ('unknown', 'held')"),
        sqlite_where=sa.text("state in ('unknown', 'held')"),
    )
    op.create_index(
        "ix_sends_due",
        "sends",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'planned'"),
        sqlite_where=sa.text("state = 'planned'"),
    )
    op.create_index(op.f("ix_sends_lead_id"), "sends", ["lead_id"], unique=False)
    op.create_index(
        "ix_sends_leased",
        "sends",
        ["lease_until"],
        unique=False,
        postgresql_where=sa.text("state in ('claimed', 'handed_over')"),
        sqlite_where=sa.text("state in ('claimed', 'handed_over')"),
    )


def downgrade() -> None:
    op.drop_index("ix_sends_leased", table_name="sends")
    op.drop_index(op.f("ix_sends_lead_id"), table_name="sends")
    op.drop_index("ix_sends_due", table_name="sends")
    op.drop_index("ix_sends_attention", table_name="sends")

    op.drop_table("sends")
    op.drop_index(op.f("ix_consents_lead_id"), table_name="consents")

    op.drop_table("consents")
    op.drop_index(op.f("ix_timeline_lead_id"), table_name="timeline")

    op.drop_table("timeline")
    op.drop_index(op.f("ix_submissions_reference"), table_name="submissions")
    op.drop_index("ix_submissions_quarantined", table_name="submissions")
    op.drop_index(op.f("ix_submissions_lead_id"), table_name="submissions")

    op.drop_table("submissions")
    op.drop_table("installation")
    op.drop_index("uq_enrollments_one_active", table_name="enrollments")

    op.drop_table("enrollments")
    op.drop_index("ix_alerts_pending", table_name="alerts")
    op.drop_index(op.f("ix_alerts_lead_id"), table_name="alerts")

    op.drop_table("alerts")
    op.drop_table("suppressions")
    op.drop_table("snapshots")
    op.drop_table("pauses")
    op.drop_index(op.f("ix_parked_submission_id"), table_name="parked")

    op.drop_table("parked")
    op.drop_index("uq_leads_phone_only", table_name="leads")
    op.drop_index(op.f("ix_leads_reference"), table_name="leads")
    op.drop_index(op.f("ix_leads_phone_hash"), table_name="leads")
    op.drop_index(op.f("ix_leads_created_at"), table_name="leads")

    op.drop_table("leads")
    op.drop_table("heartbeats")
