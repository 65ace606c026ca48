"""Every migration goes up and down, and ends at the tables that the code knows."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, inspect, text

from compline_hub.store.engine import MIGRATIONS, migrate, open_engine
from compline_hub.store.ledger import SqlStore
from compline_hub.store.tables import Tables
from compline_shared.ids import BindingId, HandsetId
from tests.postgres_server import Database

FIRST = {"handset", "binding", "verdict", "finding", "alarm"}
PAIRING = {"collector", "offer"}
ORDERS = {"standing", "command", "branch_policy"}
AUDIT = {"operator", "audit", "audit_end"}
KEYS = {"key_sets"}


def _tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def _alembic(connection: Connection) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    configuration.attributes["connection"] = connection
    return configuration


def test_migrations_when_run_from_nothing_then_match_the_tables(tmp_path: Path, database: Database) -> None:
    engine = open_engine(database.at(tmp_path / "hub.db"), writing=True)

    migrate(engine)

    with engine.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Tables.metadata) == []
    engine.dispose()


def test_migrations_when_run_twice_then_nothing_changes(tmp_path: Path, database: Database) -> None:
    engine = open_engine(database.at(tmp_path / "hub.db"), writing=True)
    migrate(engine)

    migrate(engine)

    assert _tables(engine) == FIRST | PAIRING | ORDERS | AUDIT | KEYS
    engine.dispose()


def test_migration_0001_when_taken_back_then_no_table_is_left(tmp_path: Path, database: Database) -> None:
    engine = open_engine(database.at(tmp_path / "hub.db"), writing=True)
    migrate(engine, revision="0001")

    with engine.begin() as connection:
        command.downgrade(_alembic(connection), "base")

    assert _tables(engine) == set()
    engine.dispose()


@pytest.mark.parametrize(
    ("back_to", "tables"),
    [
        ("0010", FIRST | PAIRING | ORDERS | AUDIT | KEYS),
        ("0009", FIRST | PAIRING | ORDERS | AUDIT | KEYS),
        ("0008", FIRST | PAIRING | ORDERS | AUDIT | KEYS),
        ("0006", FIRST | PAIRING | ORDERS | AUDIT),
        ("0004", FIRST | PAIRING | ORDERS),
        ("0003", FIRST | PAIRING),
    ],
    ids=["0011", "0010", "0009", "0007", "0005", "0004"],
)
def test_migration_when_taken_back_then_its_tables_go_and_the_others_stay(
    back_to: str, tables: set[str], tmp_path: Path, database: Database
) -> None:
    engine = open_engine(database.at(tmp_path / "hub.db"), writing=True)
    migrate(engine)

    with engine.begin() as connection:
        command.downgrade(_alembic(connection), back_to)

    assert _tables(engine) == tables
    engine.dispose()


def test_migration_0006_when_a_hub_has_nonces_without_keys_then_they_are_forgotten_and_a_next_report_asks(
    tmp_path: Path,
    database: Database,
) -> None:
    engine = open_engine(database.at(tmp_path / "hub.db"), writing=True)
    migrate(engine, revision="0005")
    with engine.begin() as connection:
        connection.execute(_HANDSET_0005)
        connection.execute(_BINDING_0005)
        connection.execute(_STANDING_0005)

    migrate(engine)

    with SqlStore(engine).transaction() as ledger:
        told = ledger.book.standing(BindingId("b" * 16)).told
        handset = ledger.handset(HandsetId("a" * 16))
    with engine.begin() as connection:
        command.downgrade(_alembic(connection), "0005")
        assert connection.execute(text("SELECT length(receiving_key) FROM handset")).scalar() == 0
    assert told is not None
    assert (told.question, told.counter) == (None, 7)
    assert handset is not None
    assert handset.signing_key == b"s" * 32
    engine.dispose()


_WHO = {"handset": "a" * 16, "binding": "b" * 16}
_HANDSET_0005 = text(
    """INSERT INTO handset (id, name, signing_key, receiving_key, tls_key, enrolled)
    VALUES (:handset, 'Desk', :signing, :receiving, :none, 1)"""
).bindparams(handset=_WHO["handset"], signing=b"s" * 32, receiving=b"r" * 32, none=b"")
_BINDING_0005 = text(
    """INSERT INTO binding (id, handset, epoch, up_to, head, escrow)
    VALUES (:binding, :handset, 1, 0, :head, :none)"""
).bindparams(**_WHO, head=bytes(32), none=b"")
_STANDING_0005 = text(
    """INSERT INTO standing
    (binding, wanted, signed, policy, roster, nonces, epoch, counter, state, cause, told_policy, rollback_resistant,
     lease_used, owed, nonce, told)
    VALUES (:binding, 1, 7, 0, :roster, :none, 1, 7, 1, 1, 0, false, 0, 0, :nonce, 5)"""
).bindparams(binding=_WHO["binding"], roster=b"\x90", none=b"", nonce=b"n" * 16)
