"""An index to find erasures that were begun and not finished."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_BEING_ERASED = sa.text("status = 'erasing'")


def upgrade() -> None:
    op.create_index("ix_leads_erasing", "leads", ["id"], postgresql_where=_BEING_ERASED, sqlite_where=_BEING_ERASED)


def downgrade() -> None:
    op.drop_index("ix_leads_erasing", "leads")
