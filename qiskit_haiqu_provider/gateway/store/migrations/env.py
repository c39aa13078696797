"""How Alembic runs a migration: in the transaction of the connection that it was given."""

from alembic import context

from qiskit_haiqu_provider.gateway.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite cannot alter a column, so its table is written anew
)
with context.begin_transaction():
    context.run_migrations()
