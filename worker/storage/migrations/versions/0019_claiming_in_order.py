"""The indexes of what is due hold the whole order of the claim, so that it is walked and never sorted."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BEFORE: Mapping[str, tuple[Sequence[str], str]] = {
    "ix_sends_due": (["due_at"], "state = 'planned'"),
    "ix_sends_due_acknowledgements": (["due_at"], "state = 'planned' and kind = 'acknowledgement'"),
    "ix_sends_due_mailbox": (["mailbox", "due_at"], "state = 'planned' and mailbox is not null"),
}


def upgrade() -> None:
    for name, (columns, where) in BEFORE.items():
        _make_anew(name, [*columns, "first_due_at"], where)


def downgrade() -> None:
    for name, (columns, where) in BEFORE.items():
        _make_anew(name, columns, where)


def _make_anew(name: str, columns: Sequence[str], where: str) -> None:
    op.drop_index(name, "sends")
    op.create_index(name, "sends", list(columns), postgresql_where=sa.text(where), sqlite_where=sa.text(where))
