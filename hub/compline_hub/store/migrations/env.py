"""Runs migrations on the connection that the hub hands over."""

from __future__ import annotations

from alembic import context

from compline_hub.store.tables import Tables

context.configure(connection=context.config.attributes["connection"], target_metadata=Tables.metadata)
context.run_migrations()
