"""To whom a send was handed, and until when it may be handed over there again with the same key."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sends", sa.Column("handed_to", sa.String(length=40), nullable=True))
    op.add_column("sends", sa.Column("key_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("sends", "key_until")
    op.drop_column("sends", "handed_to")
