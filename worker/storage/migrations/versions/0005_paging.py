"""Alerts that are told again until someone acknowledges them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_WAITS = sa.text("state in ('pending', 'paging')")
_PENDING = sa.text("state = 'pending'")


def upgrade() -> None:
    op.add_column("alerts", sa.Column("pages", sa.Integer(), server_default="0", nullable=False))
    op.add_column("alerts", sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("alerts", sa.Column("acknowledged_by", sa.Text(), nullable=True))
    op.drop_index("ix_alerts_pending", table_name="alerts")
    op.create_index("ix_alerts_waiting", "alerts", ["not_before"], postgresql_where=_WAITS, sqlite_where=_WAITS)


def downgrade() -> None:
    op.drop_index("ix_alerts_waiting", table_name="alerts")
    op.create_index("ix_alerts_pending", "alerts", ["not_before"], postgresql_where=_PENDING, sqlite_where=_PENDING)
    for name in ("acknowledged_by", "acknowledged_at", "pages"):
        op.drop_column("alerts", name)
