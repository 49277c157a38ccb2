"""Alembic's environment: `passerelle.ledger.migrate` hands it the connection."""

from alembic import context

from passerelle.ledger import mentoring_tables  # noqa: F401  its tables belong to the metadata
from passerelle.ledger.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
