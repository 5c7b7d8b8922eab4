"""A token for webhooks names the form that it posts, and keeps the secret with which the vendor signs."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tokens", sa.Column("form", sa.String(length=40), nullable=True))
    op.add_column("tokens", sa.Column("secret_sealed", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("tokens", "secret_sealed")
    op.drop_column("tokens", "form")
