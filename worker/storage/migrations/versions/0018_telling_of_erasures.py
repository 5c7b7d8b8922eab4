"""Other systems are told that someone was erased: who it was is sealed until then."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outgoing_events", sa.Column("sealed", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("outgoing_events", "sealed")
