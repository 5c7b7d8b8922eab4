"""Up to which active enrollment the repair loop has looked, and an index to walk them by."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_ACTIVE = sa.text("status = 'active'")


def upgrade() -> None:
    op.add_column("installation", sa.Column("checked_until", sa.Uuid(as_uuid=False), nullable=True))
    op.create_index("ix_enrollments_active", "enrollments", ["id"], postgresql_where=_ACTIVE, sqlite_where=_ACTIVE)


def downgrade() -> None:
    op.drop_index("ix_enrollments_active", "enrollments")
    op.drop_column("installation", "checked_until")
