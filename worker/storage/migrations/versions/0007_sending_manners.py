"""Rates, warm-up and the circuit breaker, which every worker sees."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UtcDateTime = sa.DateTime(timezone=True)
ANSWERS = sa.text("state = 'planned' and kind = 'acknowledgement'")
WAITS = sa.text("state = 'planned' and mailbox is not null")


def upgrade() -> None:
    op.create_table(
        "usage",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("amount", sa.Float(), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_usage")),
    )
    op.create_table(
        "breakers",
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("probes", sa.Integer(), nullable=False),
        sa.Column("since", UtcDateTime, nullable=True),
        sa.Column("retry_at", UtcDateTime, nullable=True),
        sa.Column("code", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_breakers")),
    )
    op.add_column("sends", sa.Column("mailbox", sa.String(length=40), nullable=True))
    op.create_index(
        "ix_sends_due_acknowledgements", "sends", ["due_at"], postgresql_where=ANSWERS, sqlite_where=ANSWERS
    )
    op.create_index("ix_sends_due_mailbox", "sends", ["mailbox", "due_at"], postgresql_where=WAITS, sqlite_where=WAITS)


def downgrade() -> None:
    op.drop_index("ix_sends_due_mailbox", "sends")
    op.drop_index("ix_sends_due_acknowledgements", "sends")
    op.drop_column("sends", "mailbox")
    op.drop_table("breakers")
    op.drop_table("usage")
