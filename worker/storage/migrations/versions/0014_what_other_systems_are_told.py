"""The systems that are told what happens, and the outbox of events for each."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
_AT = sa.DateTime(timezone=True)
_WAITS = sa.text("state = 'pending'")


def upgrade() -> None:
    op.create_table(
        "endpoints",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("events", _JSON, nullable=False),
        sa.Column("tells", _JSON, nullable=False),
        sa.Column("agreed_by", sa.Text(), nullable=True),
        sa.Column("agreed_on", sa.Text(), nullable=True),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", _AT, nullable=True),
        sa.Column("last_code", sa.String(length=40), nullable=True),
        sa.Column("last_told_at", _AT, nullable=True),
        sa.Column("stopped_at", _AT, nullable=True),
        sa.Column("removed_at", _AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_endpoints"),
    )
    op.create_table(
        "outgoing_events",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("lead_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("detail", _JSON, nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", _AT, nullable=True),
        sa.Column("last_code", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["endpoint_id"], ["endpoints.id"], name="fk_outgoing_events_endpoint_id"),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name="fk_outgoing_events_lead_id"),
        sa.PrimaryKeyConstraint("number", name="pk_outgoing_events"),
        sa.UniqueConstraint("id", name="uq_outgoing_events_id"),
    )
    op.create_index("ix_outgoing_events_lead_id", "outgoing_events", ["lead_id"])
    op.create_index(
        "ix_outgoing_events_waiting",
        "outgoing_events",
        ["endpoint_id", "number"],
        postgresql_where=_WAITS,
        sqlite_where=_WAITS,
    )
    op.create_index(
        "ix_outgoing_events_of_lead",
        "outgoing_events",
        ["endpoint_id", "lead_id", "number"],
        postgresql_where=_WAITS,
        sqlite_where=_WAITS,
    )


def downgrade() -> None:
    op.drop_table("outgoing_events")
    op.drop_table("endpoints")
