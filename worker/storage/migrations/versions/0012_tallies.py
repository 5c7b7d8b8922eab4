"""Daily tallies for reports, and an index of what they count on a timeline."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_COUNTED = sa.text("kind in ('answered', 'event', 'unsubscribed')")
_OF_EMAILS = ("sent", "delivered", "bounced", "hard_bounced", "complained", "unsubscribed")
_OF_LEADS = (
    "leads",
    "emailed",
    "answered",
    "answered_15",
    "answered_30",
    "answered_60",
    "answered_120",
    "answered_480",
    "booked",
)


def _table(name: str, keys: tuple[str, ...], figures: tuple[str, ...]) -> None:
    op.create_table(
        name,
        sa.Column("day", sa.Date(), nullable=False),
        *(sa.Column(key, sa.String(length=40), nullable=False) for key in keys),
        *(sa.Column(figure, sa.Integer(), nullable=False) for figure in figures),
        sa.PrimaryKeyConstraint("day", *keys, name=op.f(f"pk_{name}")),
    )


def upgrade() -> None:
    op.create_table(
        "tally_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_tally_days")),
    )
    op.create_index(op.f("ix_tally_days_due_at"), "tally_days", ["due_at"])
    _table("tallies", ("location", "condition", "sequence", "email"), (*_OF_LEADS, *_OF_EMAILS))
    _table("mail_tallies", ("location", "provider", "mailbox"), _OF_EMAILS)
    op.create_index("ix_timeline_counted", "timeline", ["lead_id"], postgresql_where=_COUNTED, sqlite_where=_COUNTED)


def downgrade() -> None:
    op.drop_index("ix_timeline_counted", "timeline")
    op.drop_table("mail_tallies")
    op.drop_table("tallies")
    op.drop_index(op.f("ix_tally_days_due_at"), "tally_days")
    op.drop_table("tally_days")
