"""Submissions of erased people are remembered by keyed hash; the last run of retention is noted."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

UtcDateTime = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "erased",
        sa.Column("submission_hash", sa.String(length=64), nullable=False),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("submission_hash", name=op.f("pk_erased")),
    )
    op.add_column("installation", sa.Column("retention_ran_at", UtcDateTime))


def downgrade() -> None:
    op.drop_column("installation", "retention_ran_at")
    op.drop_table("erased")
