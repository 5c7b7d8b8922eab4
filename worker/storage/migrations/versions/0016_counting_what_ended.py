"""An index by which sends that ended without going out are counted."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_ENDED = sa.text("state in ('failed', 'skipped', 'cancelled')")


def upgrade() -> None:
    op.create_index("ix_sends_ended", "sends", ["state"], postgresql_where=_ENDED, sqlite_where=_ENDED)


def downgrade() -> None:
    op.drop_index("ix_sends_ended", "sends")
