"""Since when the front desk owes a lead an answer, and when it gave the first one."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_INDEXES = {"ix_leads_waiting": ("waiting_since", "waiting_since"), "ix_leads_held": ("created_at", "hold_reason")}
_COLUMNS = ("waiting_since", "escalated_at", "first_answered_at")


def upgrade() -> None:
    for name in _COLUMNS:
        op.add_column("leads", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    for name, (column, wanted) in _INDEXES.items():
        where = sa.text(f"{wanted} is not null")
        op.create_index(name, "leads", [column], postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    for name in _INDEXES:
        op.drop_index(name, "leads")
    for name in reversed(_COLUMNS):
        op.drop_column("leads", name)
