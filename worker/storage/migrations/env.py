"""Alembic's entry: run within the transaction that `worker.storage.migrate` has opened."""

from alembic import context

from worker.storage.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a table by copying it
    transactional_ddl=True,
    transaction_per_migration=False,
)
context.run_migrations()
