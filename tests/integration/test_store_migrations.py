"""Every migration goes up and down, and ends at the tables that the code knows."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, inspect

from compline_hub.store.engine import MIGRATIONS, migrate, open_engine
from compline_hub.store.tables import Tables

FIRST = {"handset", "binding", "verdict", "finding", "alarm"}
PAIRING = {"collector", "offer"}
ORDERS = {"standing", "command", "branch_policy"}
AUDIT = {"operator", "audit", "audit_end"}


def _tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def _alembic(connection: Connection) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    configuration.attributes["connection"] = connection
    return configuration


def test_migrations_when_run_from_nothing_then_match_the_tables(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'hub.db'}", writing=True)

    migrate(engine)

    with engine.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Tables.metadata) == []
    engine.dispose()


def test_migrations_when_run_twice_then_nothing_changes(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'hub.db'}", writing=True)
    migrate(engine)

    migrate(engine)

    assert _tables(engine) == FIRST | PAIRING | ORDERS | AUDIT
    engine.dispose()


def test_migration_0001_when_taken_back_then_no_table_is_left(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'hub.db'}", writing=True)
    migrate(engine, revision="0001")

    with engine.begin() as connection:
        command.downgrade(_alembic(connection), "base")

    assert _tables(engine) == set()
    engine.dispose()


@pytest.mark.parametrize(
    ("back_to", "tables"),
    [("0004", FIRST | PAIRING | ORDERS), ("0003", FIRST | PAIRING)],
    ids=["0005", "0004"],
)
def test_migration_when_taken_back_then_its_tables_go_and_the_others_stay(
    back_to: str, tables: set[str], tmp_path: Path
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'hub.db'}", writing=True)
    migrate(engine)

    with engine.begin() as connection:
        command.downgrade(_alembic(connection), back_to)

    assert _tables(engine) == tables
    engine.dispose()
